import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../canonical.ts";
import type { FactDefinition, FactType } from "../facts/fact.ts";
import { protocols } from "../facts/protocols.ts";
import type { Facts } from "../facts.ts";
import { loadPolicy } from "../policy.ts";
import type { Question } from "./question.ts";

/** What nobody may read in a message. */
const secret = "s3cr3t";
const text = fc.constantFrom(secret, `${secret} x`, "", "a", "public.t");
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    text,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value")),
    fc.dictionary(text, tie("value")),
  ),
})).value;

/** Any value of a type, and now and then one of another: facts that classification would never give must not break anything. */
const values: Readonly<Record<FactType, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int: fc.nat(),
  string: text,
  "list<string>": fc.array(text, { maxLength: 4 }),
  "map<string, string>": fc.dictionary(text, text),
  "map<string, list<string>>": fc.dictionary(text, fc.array(text)),
  dyn: json,
};
function madeOf(fact: FactDefinition): fc.Arbitrary<unknown> {
  if (fact.type !== "group") return values[fact.type];
  return fc.record(Object.fromEntries(Object.entries(fact.fields).map(([name, one]) => [name, madeOf(one)])));
}
const facts: fc.Arbitrary<Facts> = fc
  .constantFrom(...(["postgres", "ssh", "kubernetes", "http", "mcp"] as const))
  .chain((protocol) => {
    const { table, variable } = protocols[protocol];
    const model = Object.fromEntries(Object.entries(table).map(([name, fact]) => [name, madeOf(fact)]));
    // These are made to be shown.
    const shown = {
      doubts: fc.array(fc.constant("odd")),
      kinds: fc.array(fc.constantFrom("SELECT", "DELETE")),
      verb: fc.constant("get"),
      resource: fc.constant("pods"),
      method: fc.constant("GET"),
      path: fc.constant("/x"),
      programs: fc.array(fc.constant("ls")),
      tool: fc.constant("t"),
      server: fc.constant("s"),
      subresource: fc.constant(""),
      namespace: fc.constant("n"),
      name: fc.constant("o"),
      subsystem: fc.constant(""),
      group: fc.constant(""),
    };
    const some = fc.record({ ...model, ...Object.fromEntries(Object.entries(shown).filter(([name]) => name in model)) });
    return fc
      .tuple(some, fc.option(fc.array(some, { minLength: 2, maxLength: 3 }), { nil: undefined }))
      .map(([whole, parts]) => ({ protocol, [variable]: whole, ...(parts ? { parts } : {}) }) as unknown as Facts);
  });
const question: fc.Arbitrary<Question> = fc.record({
  resource: fc.record({
    name: fc.constantFrom("db", "web"),
    type: fc.constant("postgres"),
    labels: fc.dictionary(fc.constantFrom("env", "team"), text),
    roles: fc.constantFrom(["r"], ["r", "w"], []),
  }),
  principal: fc.record({
    issuer: fc.constant("i"),
    subject: text,
    groups: fc.array(text),
    claims: fc.dictionary(fc.constantFrom("a", "b"), json),
  }),
  facts,
  reason: text,
  nowMs: fc.nat(),
});

const rules = [
  { effect: "allow", role: "r" },
  { effect: "allow", role: "r", opaque: true, when: "sql.readOnly" },
  { effect: "allow", when: "conditions.mine" },
  { effect: "deny", when: 'resource.labels.env == "prod"' },
  { effect: "deny", resources: ["web"], when: "http.body.amount > 100 || http.query.x == ['1']" },
  { effect: "deny", when: "int(reason) > 3 || timestamp(reason) < now" },
  { effect: "deny", when: "principal.claims[reason] == 1" },
  {
    effect: "review",
    role: "w",
    when: 'sql.tables.exists(t, principal.claims.a.b[t] == "x")',
    approval: { stages: [{ approvers: ["user:u"] }] },
  },
  {
    effect: "review",
    when: "kubernetes.body.spec.replicas > 3 || mcp.args.x == 1".split(" || ")[0],
    approval: { stages: [{ approvers: ["group:g"] }], justification: "required" },
  },
  { effect: "allow", role: "r", when: "ssh.argv[0] == 'ls' && ssh.argv.all(a, bool(a) || a.matches('^[a-z]+$'))" },
  { effect: "allow", role: "r", when: "mcp.args.x + 1.0 > mcp.args.y && size(mcp.args) > 0" },
].map((rule, index) => ({ id: `rule-${index}`, ...rule }));
const conditions = { mine: `reason == principal.claims.a || principal.subject.startsWith("${secret}")` };

const fileOf = (some: readonly object[]) => JSON.stringify({ version: 1, conditions, rules: some });

test("whatever the facts, a decision is made, and its message shows no value that a condition looked at", () => {
  const policy = loadPolicy({ "p.yaml": fileOf(rules) });
  let failed = 0;
  fc.assert(
    fc.property(question, (asked) => {
      const decision = policy.decide(asked);
      expect(["allow", "deny", "review"]).toContain(decision.effect);
      expect(decision.message ?? "").not.toContain(secret);
      if (decision.message?.includes("could not be evaluated")) failed++;
      for (const { result, error } of policy.examine(asked)) {
        expect(error ?? "").not.toContain(secret);
        // What cannot be evaluated denies.
        if (result === "failed") expect(decision.effect).toBe("deny");
      }
    }),
    { numRuns: 2000 },
  );
  expect(failed).toBeGreaterThan(200);
});

test("the order of rules, and in which file they are, makes no difference", () => {
  const policies = new Map<string, ReturnType<typeof loadPolicy>>();
  const decide = (files: Readonly<Record<string, string>>, asked: Question) => {
    const key = JSON.stringify(files);
    const policy = policies.get(key) ?? loadPolicy(files);
    policies.set(key, policy);
    const { policyDigest: _, ...decision } = policy.decide(asked);
    return decision;
  };
  const orders = fc
    .subarray(rules)
    .chain((some) =>
      fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length }), fc.nat({ max: some.length })),
    );
  fc.assert(
    fc.property(orders, fc.array(question, { minLength: 5, maxLength: 5 }), ([some, shuffled, cut], questions) => {
      for (const asked of questions) {
        const expected = decide({ "p.yaml": fileOf(some) }, asked);
        expect(decide({ "b.yaml": fileOf(shuffled.slice(cut)), "a.yaml": fileOf(shuffled.slice(0, cut)) }, asked)).toEqual(
          expected,
        );
        expect(decide({ "p.yaml": fileOf(some) }, asked)).toEqual(expected);
      }
    }),
    { numRuns: 100 },
  );
});
