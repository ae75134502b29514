import { expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import type { Question } from "../policy.ts";
import { policyOf, questionOf } from "../testing-policy.ts";

await loadParser();

const policy = policyOf(
  "always allow role: reader",
  'by-subject deny when: principal.subject == "mallory"',
  'by-group deny when: ("banned" in principal.groups)',
  "by-claim deny when: has(principal.claims.banned)",
  'by-reason deny when: reason.contains("please")',
  'by-role deny when: role == "writer"',
  "by-hour deny when: now.getHours() >= 22",
  'by-label deny when: has(resource.labels.env) && resource.labels.env == "prod"',
  'by-type deny when: resource.type == "mysql"',
);

const base = questionOf("select 1");
const { principal, resource } = base;

/** Each differs from the base in one thing that some rule looks at. */
const others: readonly [rule: string, question: Question][] = [
  ["by-subject", { ...base, principal: { ...principal, subject: "mallory" } }],
  ["by-group", { ...base, principal: { ...principal, groups: ["banned"] } }],
  ["by-claim", { ...base, principal: { ...principal, claims: { banned: true } } }],
  ["by-reason", { ...base, reason: "please" }],
  ["by-role", { ...base, role: "writer" }],
  ["by-hour", { ...base, nowMs: Date.UTC(2026, 0, 5, 23) }],
  ["by-label", { ...base, resource: { ...resource, labels: { env: "prod" } } }],
  ["by-type", { ...base, resource: { ...resource, type: "mysql" } }],
];

test.each(others)("what was remembered of the same statement does not answer for another question: %s", (rule, question) => {
  expect(policy.decide(base).effect).toBe("allow");
  expect(policy.decide(question)).toMatchObject({ effect: "deny", rules: [rule] });
  // And back: the same facts, the first caller again.
  expect(policy.decide(base)).toEqual(policy.decide({ ...base, principal: { ...principal } }));
  expect(policy.decide(base).effect).toBe("allow");
});

test("what was remembered of one statement answers for those that differ in integers alone, unless a rule looks at the text", () => {
  const question = (statement: string, of: typeof policy) =>
    of.decide({ ...questionOf(statement), resource: Object.freeze({ ...resource, labels: Object.freeze({}) }) });
  const plain = policyOf("reads allow role: reader", 'no-secrets deny when: sql.tables.exists(t, t == "public.secret")');
  expect(question("select a from t where id = 71", plain).effect).toBe("allow");
  expect(question("select a from t where id = 72", plain).effect).toBe("allow");
  expect(question("select a from secret where id = 71", plain).effect).toBe("deny");
  expect(question("select a from secret where id = 72", plain).effect).toBe("deny");

  const byText = policyOf("reads allow role: reader", 'not-73 deny when: sql.text.contains("= 73")');
  const named = policyOf("reads allow role: reader", 'not-73 deny when: sql.text.matches("= 7[3]$")');
  for (const one of [byText, named]) {
    expect([72, 73, 74].map((n) => question(`select a from t where id = ${n}`, one).effect)).toEqual(["allow", "deny", "allow"]);
  }
});

test("a remembered decision is not another resource's, role's or caller's", () => {
  const frozen = (name: string, roles: readonly string[]) =>
    Object.freeze({ ...resource, name, roles: Object.freeze([...roles]), labels: Object.freeze({ ...resource.labels }) });
  const one = frozen("orders-db", ["reader", "writer"]);
  const ask = (more: Partial<Question>) => policy.decide({ ...base, resource: one, ...more });
  const allowed = ask({});
  expect(allowed).toMatchObject({ effect: "allow", role: "reader" });
  expect(ask({ principal: { ...principal } })).toEqual(allowed);
  expect(ask({ resource: frozen("orders-db", ["writer"]) }).effect).toBe("deny");
  expect(ask({ role: "reader" })).toMatchObject({ effect: "allow" });
  expect(ask({ role: "auditor" }).effect).toBe("deny");
  expect(ask({ principal: { ...principal, subject: "mallory" } }).effect).toBe("deny");
  expect(ask({ nowMs: Date.UTC(2026, 0, 5, 23) }).effect).toBe("deny");
  expect(ask({})).toEqual(allowed);
});
