import { beforeAll, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { loadPolicy } from "../policy.ts";
import { coverageOf } from "./coverage.ts";
import { readTrials } from "./read-trials.ts";
import { runTrials } from "./run-trials.ts";

beforeAll(loadParser);

const policy = loadPolicy({
  "policy.yaml": `
version: 1
rules:
  - id: reads
    when: sql.readOnly && principal.claims.team == "shop"
    effect: allow
    role: reader
    limits: { rows: 1000, bytes: 10MB, time: 30s }
  - id: writes
    when: sql.writes
    effect: review
    role: writer
    approval:
      justification: required
      stages: [{ approvers: [group:dba, user:alice], count: 2 }, { approvers: [group:leads] }]
  - id: opaque-writes
    when: sql.opaque
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:security] }] }
  - id: never
    when: '"DROP" in sql.kinds'
    effect: deny
    message: Ask the platform team.
  - id: unused
    when: sql.statements > 99
    effect: deny
`,
});

function run(tests: string) {
  const text = `version: 1\ndefaults: { type: postgres, principal: { claims: { team: shop } } }\ntests:\n${tests}`;
  return runTrials(policy, readTrials("a.policy-test.yaml", text).trials);
}

function differences(tests: string): readonly string[] {
  return run(tests).flatMap((result) =>
    result.differences.map(({ field, expected, got }) => `${field}: expected ${expected}, got ${got}`),
  );
}

test("all that a decision says can be expected", () => {
  expect(
    differences(`
  - { name: a, operation: select 1, expect: allow }
  - { name: b, operation: "select * from orders where id = $1",
      expect: { effect: allow, rules: [reads], role: reader, limits: { rows: 1000, bytes: 10MB, time: 30s }, opaque: false } }
  - { name: c, operation: delete from t where id = 1, reason: tidy up,
      expect: { effect: review, rules: [writes], role: writer, approvers: [user:alice, group:leads, group:dba], count: 3,
                justification: required, signature: session } }
  - { name: d, operation: select my_function(), reason: x,
      expect: { effect: review, rules: [opaque-writes, writes], opaque: true, count: 3 } }
  - { name: e, operations: [drop table t, "select 1; drop table t"],
      expect: { effect: deny, rules: [never], message: Ask the platform } }
  - { name: f, operations: [selec, ""], expect: { effect: error, error: invalid_operation } }
`),
  ).toEqual([]);
});

test("what is not as expected is told field by field", () => {
  expect(
    differences(`
  - { name: a, operation: delete from t, reason: x, expect: { effect: allow, rules: [reads], role: reader, count: 1 } }`),
  ).toEqual([
    "effect: expected allow, got review",
    "rules: expected reads, got writes",
    "role: expected reader, got writer",
    "count: expected 1, got 3",
  ]);
  expect(differences("  - { name: a, operation: select 1, expect: { effect: allow, limits: { rows: 10, time: 30s } } }")).toEqual(
    ["limits: expected rows 10, bytes 10MB, time 30s, got rows 1000, bytes 10MB, time 30s"],
  );
  expect(differences("  - { name: a, operation: drop table t, expect: { effect: deny, message: Ask nobody } }")).toEqual([
    "message: expected Ask nobody, got Denied by the rule never: Ask the platform team.",
  ]);
  expect(differences("  - { name: a, operation: selec, expect: deny }")).toEqual(["effect: expected deny, got error"]);
  expect(differences("  - { name: a, operation: drop table t, expect: error }")).toEqual(["effect: expected error, got deny"]);
  expect(differences("  - { name: a, operation: drop table t, expect: { effect: deny, limits: { rows: 5 } } }")).toEqual([
    "limits: expected rows 5, got none",
  ]);
});

test("coverage: a rule is covered when it decided, with its own effect", () => {
  const results = run(`
  - { name: a, operation: select 1, expect: allow }
  - { name: b, operation: drop table t, expect: deny }
  - { name: no reason is given, operation: delete from t, expect: { effect: deny, rules: [writes] } }`);
  expect(results.flatMap((result) => result.differences)).toEqual([]);
  expect(coverageOf(policy, results)).toEqual({
    decided: ["never", "reads"],
    outdone: ["writes"],
    unmatched: ["opaque-writes", "unused"],
    percent: 40,
  });
});

test("coverage: a rule that denies because it could not be evaluated is not covered", () => {
  const [result] = run(
    "  - { name: a, operation: select 1, principal: { claims: {} }, expect: { effect: deny, rules: [reads] } }",
  );
  expect(result?.differences).toEqual([]);
  expect(coverageOf(policy, result ? [result] : []).unmatched).toContain("reads");
});

test("coverage: rules that decide one of several statements count", () => {
  const results = run("  - { name: a, operation: delete from t; select my_function(), reason: x, expect: review }");
  expect(coverageOf(policy, results)).toMatchObject({
    decided: ["opaque-writes", "writes"],
    unmatched: ["never", "reads", "unused"],
  });
});

test("a test of an HTTP API says what its requests are named by", () => {
  const rules = loadPolicy({
    "p.yaml": `version: 1
rules:
  - { id: refunds, effect: allow, role: r, when: 'http.operation == "refundPayment" && http.pathParameters.payment == "7"' }
  - { id: stars, effect: allow, role: r, when: 'http.graphql.kind == "mutation" && http.graphql.fields == ["addStar"]' }
`,
  });
  const { trials } = readTrials(
    "p.policy-test.yaml",
    `version: 1
defaults:
  type: http
  api: { graphql: /graphql, operations: [{ id: refundPayment, method: POST, path: "/payments/{payment}/refunds" }] }
tests:
  - { name: named, operation: { method: POST, path: /payments/7/refunds }, expect: { effect: allow, rules: [refunds] } }
  - { name: not named, operation: { method: POST, path: /payments/7/refunds/ }, expect: { effect: deny, opaque: true } }
  - { name: a mutation, operation: { method: POST, path: /graphql, body: { query: "mutation { addStar }" } }, expect: { effect: allow, rules: [stars] } }
`,
  );
  expect(runTrials(rules, trials).map(({ differences }) => differences)).toEqual([[], [], []]);
});
