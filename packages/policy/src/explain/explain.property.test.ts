import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { loadPolicy } from "../policy.ts";
import { answer } from "./answer.ts";
import type { Asking } from "./asking.ts";
import { explainOperation } from "./explain.ts";
import type { ConditionPart } from "./explanation.ts";

beforeAll(loadParser);

/** Tests that are true, false or cannot be evaluated, depending on the operation. */
const leaf = fc.constantFrom(
  "sql.writes",
  "sql.readOnly",
  "sql.opaque",
  'resource.labels.tier == "gold"',
  'resource.labels["env"] == "prod"',
  'sql.tables.exists(t, t.endsWith("a"))',
  'sql.tables.all(t, resource.labels[t] == "x")',
  "sql.reads.exists_one(r, sql.tables.exists(t, t == r))",
  'sql.tables.exists(t, sql.reads.exists(t, t == "public.a") && t == "public.b")',
  "sql.text.matches('(b|f)') && resource.labels.all(k, k in ['env'])",
  "conditions.named",
  "sql.statements > variables.n",
  "true",
);

const condition = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `${a} && (${b})`),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `(${a}) || ${b}`),
    tie("any").map((a) => `!(${a})`),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([a, b, c]) => `((${a}) ? (${b}) : (${c}))`),
  ),
})).any;

const statement = fc.constantFrom(
  "select 1",
  "select * from a",
  "delete from b",
  "select f() from a, b",
  "select 1; drop table a",
  "x",
);

function asking(text: string): Asking {
  return {
    operation: { kind: "postgres.query", statement: text, parameters: [] },
    resource: "orders-db",
    labels: { env: "prod" },
    roles: ["reader"],
    searchPath: ["public"],
    principal: { issuer: "unix", subject: "agent", groups: [], claims: {} },
    reason: "",
    nowMs: 0,
  };
}

function policyOf(rules: readonly (readonly [effect: string, when: string])[]) {
  const text = rules
    .map(([effect, when], index) => `  - { id: r${index}, effect: ${effect}, when: ${JSON.stringify(when)} }\n`)
    .join("");
  return loadPolicy({
    "p.yaml": `version: 1\nvariables: { n: 1 }\nconditions: { named: sql.ddl || sql.statements == 2 }\nrules:\n${text}`,
  });
}

const rules = fc.array(fc.tuple(fc.constantFrom("allow", "deny"), condition), { minLength: 1, maxLength: 4 });

test("the tree says what the decision was made by", () => {
  fc.assert(
    fc.property(rules, statement, (some, text) => {
      const explanation = explainOperation(policyOf(some), asking(text));
      for (const { examined } of [explanation, ...explanation.parts])
        for (const { result, condition: tree } of examined) {
          const expected = result === "not_matched" ? "false" : result === "failed" ? "error" : "true";
          expect(tree?.state).toBe(expected);
        }
    }),
    { numRuns: 300 },
  );
});

test("an explanation and an answer say the same", () => {
  fc.assert(
    fc.property(rules, statement, (some, text) => {
      const policy = policyOf(some);
      const { examined: _, policyDigest: __, parts, ...explained } = explainOperation(policy, asking(text));
      const { parts: answered, ...rest } = answer(policy, asking(text));
      expect(explained).toEqual(rest);
      expect(parts.map(({ effect, rules: ids }) => [effect, ids])).toEqual(
        (answered ?? []).map((one) => [one.effect, one.rules]),
      );
    }),
    { numRuns: 200 },
  );
});

/** Every part that was evaluated, with what stands above it. */
function* evaluated(part: ConditionPart): Generator<ConditionPart> {
  yield part;
  for (const one of part.parts ?? []) if (one.state !== "skipped") yield* evaluated(one);
}

test("what decided is a chain from the whole down to tests, and every decided condition has one", () => {
  fc.assert(
    fc.property(condition, statement, (when, text) => {
      const [rule] = explainOperation(policyOf([["deny", when]]), asking(text)).examined;
      if (!rule?.condition) return;
      expect(rule.reasons.length).toBeGreaterThan(0);
      for (const part of evaluated(rule.condition))
        if (part.parts && part.kind !== "loop") expect(part.parts.some((one) => one.decisive)).toBe(part.decisive);
    }),
    { numRuns: 300 },
  );
});
