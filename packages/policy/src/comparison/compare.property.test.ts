import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Decision } from "../decision.ts";
import { loadParser } from "../facts/postgres/parser.ts";
import { classify } from "../facts.ts";
import { loadPolicy, type Policy } from "../policy.ts";
import { comparePolicies } from "./compare.ts";
import { peopleNeeded } from "./people.ts";

beforeAll(loadParser);

const terms = [
  "sql.readOnly",
  "sql.writes",
  "sql.hasWhere",
  "sql.opaque",
  '"DELETE" in sql.kinds',
  "sql.statements > 1",
  'reason == "x"',
];

const condition = fc
  .record({
    joint: fc.constantFrom(" && ", " || "),
    parts: fc.uniqueArray(fc.constantFrom(...terms), { minLength: 1, maxLength: 3 }),
  })
  .map(({ joint, parts }) => parts.join(joint));

const rule = (id: string) =>
  fc.record(
    {
      id: fc.constant(id),
      effect: fc.constantFrom("allow", "deny", "review"),
      when: condition,
      resources: fc.constantFrom(["db"], ["other"], ["d*", "other"]),
      opaque: fc.boolean(),
      count: fc.integer({ min: 1, max: 3 }),
      rows: fc.constantFrom(10, 20),
    },
    { requiredKeys: ["id", "effect", "count"] },
  );

interface Drawn {
  readonly id: string;
  readonly effect: string;
  readonly count: number;
  readonly when?: string;
  readonly resources?: readonly string[];
  readonly opaque?: boolean;
  readonly rows?: number;
}

/** Pairs of policies that differ in a little: each rule of the first is kept, dropped, or one of its fields is drawn anew. */
const pair = fc
  .tuple(
    ...["a", "b", "c"].map((id) =>
      fc.tuple(
        rule(id),
        rule(id),
        fc.constantFrom("keep", "drop", "add", "effect", "when", "resources", "opaque", "count", "rows"),
      ),
    ),
  )
  .map((drawn) => {
    const before: Drawn[] = [];
    const after: Drawn[] = [];
    for (const [one, other, change] of drawn) {
      if (change !== "add") before.push(one);
      if (change === "keep" || change === "add") after.push(one);
      else if (change !== "drop") after.push({ ...one, [change]: Reflect.get(other, change) });
    }
    return [load(before), load(after), load(after.toReversed())] as const;
  });

function load(rules: readonly Drawn[]): Policy {
  const written = rules.map(({ count, rows, opaque, effect, when, resources, id }) => ({
    ...{ id, effect },
    ...(when === undefined ? {} : { when }),
    ...(resources === undefined ? {} : { resources }),
    ...(effect === "allow" && opaque !== undefined ? { opaque } : {}),
    ...(effect !== "deny" && rows !== undefined ? { limits: { rows } } : {}),
    ...(effect === "review" ? { approval: { stages: [{ approvers: ["group:x"], count }] } } : {}),
  }));
  return loadPolicy({ "p.yaml": JSON.stringify({ version: 1, rules: written }) });
}

const statements = [
  "select 1",
  "delete from t",
  "delete from t where id = 1",
  "select f()",
  "select 1; delete from t",
  "create table t (a int)",
];

/** Decisions about everything, the stricter the higher: deny, then more people, then fewer rows. */
function strictness(policy: Policy, withLimits: boolean): readonly number[] {
  return statements.flatMap((statement) =>
    ["", "x"].map((reason) => {
      const facts = classify({ kind: "postgres.query", statement, parameters: [] }, { searchPath: ["public"] });
      const resource = { name: "db", type: "postgres", labels: {}, roles: ["only"] };
      const principal = { issuer: "i", subject: "s", groups: [], claims: {} };
      return strictnessOf(policy.decide({ resource, principal, facts, reason, nowMs: 0 }), withLimits);
    }),
  );
}

function strictnessOf(decision: Decision, withLimits: boolean): number {
  if (decision.effect === "deny") return 1e6;
  const people = decision.effect === "review" ? peopleNeeded(decision.approval.requirements) : 0;
  return people * 1000 + (withLimits ? 100 - (decision.limits.rows ?? 99) : 0);
}

test("where nothing is told, every decision is the same; what is told as tighter alone loosens nothing, and the other way round", () => {
  const seen = { same: 0, tighter: 0, looser: 0 };
  fc.assert(
    fc.property(pair, ([before, after, reversed]) => {
      const changes = comparePolicies(before, after);
      expect(comparePolicies(before, reversed)).toHaveLength(changes.length);
      // With a rule come and go its limits also where others decide with it: directions are not about these.
      const withLimits = changes.every(({ field }) => field?.startsWith("limits.") === true);
      const [was, is] = [strictness(before, withLimits), strictness(after, withLimits)];
      const all = (...directions: readonly string[]): boolean => changes.every(({ direction }) => directions.includes(direction));
      if (changes.length === 0) {
        seen.same++;
        expect(is).toEqual(was);
      } else if (all("tighter", "none")) {
        seen.tighter++;
        for (const [index, value] of is.entries()) expect(value).toBeGreaterThanOrEqual(was[index] ?? 0);
      } else if (all("looser", "none")) {
        seen.looser++;
        for (const [index, value] of is.entries()) expect(value).toBeLessThanOrEqual(was[index] ?? 0);
      }
    }),
    { numRuns: 1500 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
});
