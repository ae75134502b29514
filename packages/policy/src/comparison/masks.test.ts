import { expect, test } from "vitest";
import { loadPolicy } from "../policy.ts";
import { comparePolicies } from "./compare.ts";

const rule = (masks: string) =>
  loadPolicy({ "policy.yaml": `version: 1\nrules:\n  - { id: reads, effect: allow, role: r${masks} }\n` });

test.each([
  ["", ", limits: { masks: [public.c.email] }", "tighter", "none → public.c.email"],
  [", limits: { masks: [public.c.email, public.c.ssn] }", ", limits: { masks: [public.c.ssn] }", "looser", "→ public.c.ssn"],
  [", limits: { masks: [public.c.email] }", ", limits: { masks: [public.c.ssn] }", "both", "→ public.c.ssn"],
])("what is masked changes: %s → %s is %s", (before, after, direction, text) => {
  expect(comparePolicies(rule(before), rule(after))).toMatchObject([
    { kind: "changed", field: "limits.masks", direction, text: expect.stringContaining(text) },
  ]);
});

test("the masks of all rules that match hold together", () => {
  const both = loadPolicy({
    "policy.yaml": `version: 1
rules:
  - { id: a, effect: allow, role: r, limits: { masks: [public.c.ssn, public.c.email] } }
  - { id: b, effect: allow, role: r, limits: { masks: ["public.d.*", public.c.email] } }
`,
  });
  const principal = { issuer: "i", subject: "s", groups: [], claims: {} };
  const facts = {
    protocol: "mcp",
    mcp: { server: "s", tool: "t", args: {}, schema: null, readOnly: false, opaque: false, doubts: [] },
  };
  const resource = { name: "db", type: "postgres", labels: {}, roles: ["r"] };
  expect(both.decide({ resource, principal, facts: facts as never, reason: "", nowMs: 0 })).toMatchObject({
    limits: { masks: ["public.c.email", "public.c.ssn", "public.d.*"] },
  });
});

test.each(["email", "customers.email", "a.b.c.d", "a..b", "*.b.c"])("%s is no mask", (mask) => {
  expect(() => rule(`, limits: { masks: ["${mask}"] }`)).toThrow(/schema.table.column/);
});
