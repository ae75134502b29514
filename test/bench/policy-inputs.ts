import type { Operation } from "@countersign/policy";

/** Conditions as operations people write them; `#` is the rule's number. */
const conditions = [
  'sql.readOnly && !sql.tables.exists(t, t.startsWith("secret#."))',
  'sql.writes && sql.hasWhere && sql.tables.all(t, t != "audit.entries#")',
  'sql.kinds.exists(k, k in ["DROP", "TRUNCATE"]) && sql.writesTo.exists(t, t == "public.table_#")',
  'sql.functions.exists(f, f == "dangerous_#" || f.startsWith("admin#_"))',
  'sql.tables.exists(t, t.matches("^tenant_[0-9]+_#\\\\."))',
  'sql.ddl && resource.labels.env == "prod" && principal.subject == "agent-#"',
  '"team-#" in principal.groups && sql.reads.size() > 3',
  'sql.text.contains("forbidden-#")',
  "now.getHours() >= 22 && sql.statements > 1 && sql.opaque",
  'sql.fingerprint == "00000000000000#" && reason != ""',
] as const;

/** A policy of this many rules of ordinary kinds, all about the same resource. */
export function ordinaryRules(count: number): string {
  const rules = Array.from({ length: count }, (_, index) => {
    const condition = conditions[index % conditions.length]?.replaceAll("#", String(index));
    const effect = index % 10 === 2 ? "deny" : "allow";
    return `  - id: rule-${index}\n    resources: [orders-db, "reports-*"]\n    when: ${JSON.stringify(condition)}\n    effect: ${effect}\n`;
  });
  return `version: 1\nrules:\n${rules.join("")}`;
}

/** Short statements of several shapes, no two alike. */
export function shortStatement(index: number): string {
  switch (index % 4) {
    case 0:
      return `select id, total from orders where id = ${index}`;
    case 1:
      return `update orders set note = 'n${index}' where id = ${index}`;
    case 2:
      return `select count(*) from customers c join orders o on o.customer_id = c.id where c.region = 'r${index}'`;
    default:
      return `delete from carts where updated_at < now() - interval '${index} minutes' and state = 'open'`;
  }
}

/** A report's query of 2 KB, no two alike. */
export function statementOf2Kb(index: number): string {
  const columns = Array.from({ length: 40 }, (_, at) => `sum(o.amount_${at}) as amount_${at}_total`).join(", ");
  const filters = Array.from({ length: 14 }, (_, at) => `o.field_${at} = 'value-${index}-${at}'`).join(" and ");
  return `select o.region, ${columns} from orders o join customers c on c.id = o.customer_id where ${filters} group by o.region order by 1 limit ${index}`;
}

/** Short operations of the other protocols, no two alike. */
export const operations: Readonly<Record<"ssh" | "kubernetes" | "http" | "mcp", (index: number) => Operation>> = {
  ssh: (index) => ({ kind: "ssh.exec", command: `journalctl -u api-${index} --since today | grep -c error` }),
  kubernetes: (index) => ({
    kind: "kubernetes.request",
    method: "GET",
    path: `/api/v1/namespaces/shop/pods/api-${index}/log?container=api&tailLines=100`,
    headers: [],
  }),
  http: (index) => ({
    kind: "http.request",
    method: "POST",
    path: `/v1/refunds/${index}?expand=order`,
    headers: [["content-type", "application/json"]],
    body: { text: JSON.stringify({ order: index, amount: 1250, currency: "EUR", reason: "duplicate" }) },
  }),
  mcp: (index) => ({
    kind: "mcp.call",
    server: "tickets",
    tool: "create_issue",
    arguments: { title: `Disk ${index} is full`, labels: ["ops"], priority: 2 },
  }),
};
