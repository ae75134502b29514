import { beforeAll, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { loadPolicy } from "../policy.ts";
import { policyOf, questionOf } from "../testing-policy.ts";

beforeAll(loadParser);

const results = (policy: ReturnType<typeof policyOf>, statement: string, part?: number) =>
  Object.fromEntries(
    policy
      .examine(questionOf(statement), part)
      .map(({ rule, result, error }) => [rule.id, error === undefined ? result : `${result}: ${error}`]),
  );

test("every rule is listed with what became of it", () => {
  const policy = policyOf(
    "a allow role: reader",
    "b allow when: sql.writes; role: reader",
    "c deny resources: [other]",
    "d deny when: ssh.tty",
    "e review when: resource.labels.env == 'x'",
    "f allow role: reader; opaque: true",
    "g review when: sql.readOnly",
  );
  expect(results(policy, "select 1")).toEqual({
    a: "matched",
    b: "not_matched",
    c: "other_resource",
    d: "other_protocol",
    e: "failed: No such key: env",
    f: "matched",
    g: "matched",
  });
  expect(results(policy, "select f()")).toMatchObject({ a: "opaque", b: "opaque", f: "matched", g: "not_matched" });
});

test("of several statements each is examined alone, and what allows counts for each alone only", () => {
  const policy = policyOf("a allow when: sql.readOnly; role: reader", "b review when: sql.writes; role: reader");
  expect(results(policy, "select 1; select 2")).toEqual({ a: "only_parts_count", b: "not_matched" });
  expect(results(policy, "select 1; delete from t", 0)).toEqual({ a: "matched", b: "not_matched" });
  expect(results(policy, "select 1; delete from t", 1)).toEqual({ a: "not_matched", b: "matched" });
  expect(() => policy.examine(questionOf("select 1; delete from t"), 2)).toThrow(RangeError);
});

test("a rule tells where it is and all that it says", () => {
  const [rule] = loadPolicy({
    "p.yaml": `version: 1
private: true
rules:
  - id: a
    description: Writes.
    effect: review
    resources: [db-*]
    when: sql.writes
    role: writer
    limits: { rows: 5, bytes: 1kB, time: 1m }
    message: Careful.
    approval:
      stages:
        - { approvers: ["group:dba"], count: 2, escalate: [{ after: 20m, to: ["user:c"] }, { after: 10m, to: ["group:b"] }] }
      signature: passkey
      grants: { maxUses: 20, maxTtl: 8h }
      justification: required
`,
  }).rules;
  expect(rule).toMatchObject({
    id: "a",
    file: "p.yaml",
    line: 4,
    column: 9,
    description: "Writes.",
    effect: "review",
    resources: ["db-*"],
    condition: { text: "sql.writes" },
    protocols: ["postgres"],
    role: "writer",
    limits: { rows: 5, bytes: 1000, timeMs: 60_000 },
    message: "Careful.",
    opaque: false,
    private: true,
    approval: {
      stages: [
        {
          approvers: ["group:dba"],
          count: 2,
          escalate: [
            { afterMs: 600_000, to: ["group:b"] },
            { afterMs: 1_200_000, to: ["user:c"] },
          ],
        },
      ],
      expiresMs: 3_600_000,
      validForMs: 300_000,
      signature: "passkey",
      grants: { maxUses: 20, maxTtlMs: 28_800_000 },
      justification: "required",
    },
  });
});
