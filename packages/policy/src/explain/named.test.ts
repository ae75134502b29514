import { beforeAll, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { loadPolicy } from "../policy.ts";
import { explainOperation } from "./explain.ts";
import type { ConditionPart, ExplainedRule } from "./explanation.ts";
import { policyWarnings } from "./warnings.ts";

beforeAll(loadParser);

const files = {
  "rules.yaml": `version: 1
include: [shared/common.yaml]
variables: { limit: 3 }
conditions:
  big: sql.statements > variables.limit
rules:
  - id: a
    effect: deny
    when: conditions.touchesSecrets || conditions.big
`,
  "shared/common.yaml": `version: 1
variables: { hidden: [secret, vault] }
conditions:
  touchesSecrets: >-
    sql.tables.exists(t, variables.hidden.exists(h, t.startsWith(h + ".")))
`,
};

function explained(statement: string): ExplainedRule {
  const explanation = explainOperation(loadPolicy(files), {
    operation: { kind: "postgres.query", statement, parameters: [] },
    resource: "orders-db",
    labels: {},
    searchPath: ["public"],
    principal: { issuer: "unix", subject: "agent", groups: [], claims: {} },
    reason: "",
    nowMs: 0,
  });
  const [rule] = explanation.examined;
  if (!rule) throw new Error("no rule");
  return rule;
}

const brief = ({ kind, state, text, file, line }: ConditionPart) => `${kind} ${state} ${text} (${file}:${line})`;

test("a named condition shows as a node with its own tree, from the file that it is in", () => {
  const { condition, because } = explained("select * from a, vault.keys");
  const [named, big] = condition?.parts ?? [];
  expect(named && brief(named)).toBe("named true conditions.touchesSecrets (rules.yaml:9)");
  expect(big && brief(big)).toBe("named skipped conditions.big (rules.yaml:9)");
  const [loop] = named?.parts ?? [];
  expect(loop).toMatchObject({ kind: "loop", file: "shared/common.yaml", element: { name: "t", value: "vault.keys" } });
  expect(loop?.parts?.[0]).toMatchObject({ kind: "loop", element: { name: "h", value: "vault" } });
  expect(because).toContain('t = "vault.keys"');
});

test("constants are told by their values", () => {
  const { condition, because } = explained("select 1");
  const test = condition?.parts?.[1]?.parts?.[0];
  expect(test?.seen).toEqual([
    { name: "sql.statements", value: 1 },
    { name: "variables.limit", value: 3 },
  ]);
  expect(because).toContain("sql.statements > variables.limit is false (sql.statements = 1, variables.limit = 3)");
});

test("a rule is beaten by what its named condition says", () => {
  const text = (other: string): Record<string, string> => ({
    "p.yaml": `version: 1
variables: { n: 1 }
conditions: { many: sql.statements > variables.n && sql.writes }
rules:
  - { id: a, effect: allow, when: conditions.many }
  - { id: b, effect: deny, when: ${other} }
`,
  });
  expect(policyWarnings(loadPolicy(text("sql.writes || sql.ddl")))).toHaveLength(1);
  expect(policyWarnings(loadPolicy(text("sql.statements > variables.n")))).toHaveLength(1);
  expect(policyWarnings(loadPolicy(text("sql.statements > 2")))).toHaveLength(0);
});

test("one name may stand for different constants in different files", () => {
  const file = (id: string, effect: string, n: number): string =>
    `version: 1\nvariables: { n: ${n} }\nrules:\n  - { id: ${id}, effect: ${effect}, when: sql.statements > variables.n }\n`;
  const both = (n: number) => policyWarnings(loadPolicy({ "a.yaml": file("a", "allow", 1), "b.yaml": file("b", "deny", n) }));
  expect([both(1).length, both(2).length]).toEqual([1, 0]);
});
