/** Fifty rules as a company might have them; the one that counts for pgbench lets reads through. */
export function fiftyRules(): string {
  const others = Array.from({ length: 46 }, (_, n) => {
    const table = `public.ledger_${n}`;
    return n % 2 === 0
      ? `  - id: keep-out-${n}\n    when: sql.tables.exists(t, t == "${table}") && !sql.readOnly\n    effect: deny\n`
      : `  - id: ask-first-${n}\n    when: sql.writesTo.exists(t, t.startsWith("${table}"))\n    effect: review\n    role: writer\n    approval: { stages: [{ approvers: ["group:dba-oncall"] }] }\n`;
  });
  return `version: 1
rules:
  - id: reads-are-free
    when: sql.readOnly
    effect: allow
    role: writer
  - id: loading-is-free
    when: sql.tables.all(t, t == "public.filler") && size(sql.tables) > 0
    effect: allow
    role: writer
  - id: deletes-wait
    when: sql.kinds.exists(k, k == "DELETE")
    effect: review
    role: writer
    approval: { stages: [{ approvers: ["group:dba-oncall"] }], expires: 1h }
  - id: never
    when: sql.kinds.exists(k, k == "DROP" || k == "ALTER SYSTEM")
    effect: deny
${others.join("")}`;
}
