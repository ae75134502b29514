import { beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../canonical.ts";
import { loadParser } from "../facts/postgres/parser.ts";
import type { Facts } from "../facts.ts";
import { loadPolicy } from "../policy.ts";
import { ask, questionOf } from "../testing-policy.ts";

beforeAll(loadParser);

const names = Array.from({ length: 500 }, (_, index) => `public.${"n".repeat(100)}${index}`);
const long = "a".repeat(1024 * 1024);

/** Facts as large as classification lets them be. */
function large(): Facts {
  const { facts } = questionOf("select 1");
  if (facts.protocol !== "postgres") throw new Error("not SQL");
  const sql = { ...facts.sql, tables: names, reads: names, functions: names, text: long };
  return Object.freeze({ protocol: "postgres", sql: Object.freeze(sql) });
}

/** JSON of about a megabyte. */
const body: Json = { items: Array.from({ length: 20_000 }, (_, index) => ({ id: index, tags: ["a", "b"] })), text: long };

const asking = () => ({
  ...questionOf("select 1", {
    principal: { issuer: "i", subject: "s", groups: names, claims: { body, again: structuredClone(body) } },
    reason: `${"a".repeat(512 * 1024)}b`,
  }),
  facts: large(),
});

/** Milliseconds that this thread computes from now on; what else the machine does is not its fault. */
function cpuMs(): () => number {
  const start = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(start);
    return (user + system) / 1000;
  };
}

const manyRules = (condition: string) =>
  Array.from({ length: 200 }, (_, index) => ({
    id: `r${index}`,
    effect: "allow",
    role: "reader",
    when: condition.replaceAll("#", String(index)),
  }));
const policyOf = (condition: string) => loadPolicy({ "p.yaml": JSON.stringify({ version: 1, rules: manyRules(condition) }) });

describe("200 rules on the largest facts end in time, and what was not decided is denied", () => {
  test.each([
    "sql.tables.all(t, sql.reads.all(r, t != r + '#'))",
    "sql.tables.exists(t, sql.text.contains(t + '#'))",
    "sql.tables.exists(t, sql.reads.exists(r, t.matches('(a|n)*[#]x$')))",
    "sql.text.matches('(a+)+b#$')",
    "sql.tables.map(t, t + sql.text + '#').size() == 1",
    "sql.tables.map(t, sql.reads.map(r, r + t + '#')).size() == 1",
    "sql.text.split('').size() == #",
    "sql.text.split('#').join(sql.text).size() == 1",
    "(sql.text + sql.text).size() == #",
    "sql.text.contains(reason + '#')",
    "sql.text.contains('b' + reason)",
    "sql.tables.all(t, sql.text.lowerAscii() + '#' == reason)",
    "sql.text < reason + '#'",
    "principal.claims.body == principal.claims.again && reason == '#'",
    "principal.claims.body.items.all(x, principal.claims.body.items.all(y, x.id + y.id >= 0.0 || reason == '#'))",
    "principal.claims.body.items.filter(x, x.id > #).map(x, x.tags).size() == 1",
    "principal.claims.body.items.exists(x, x.nothing == '#')",
    "principal.claims.body.items.all(x, now.getHours('Europe/Berlin') == 50 || x.id == #)",
    "sql.tables.all(t, sql.tables + sql.reads + sql.functions + [t] != ['#'])",
    "{'a': sql.text}.a.trim() == '#'",
    "sql.tables.exists(t, t in sql.reads.map(r, r + '#'))",
    "sql.tables.exists(t, size(sql.text) + size(t) == #)",
  ])("%s", (condition) => {
    const policy = policyOf(condition);
    // The engine warms up on what is small.
    for (let round = 0; round < 20; round++) policy.decide(questionOf(`select ${round}`));
    let fastest = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 3; round++) {
      const question = asking();
      const spent = cpuMs();
      const decision = policy.decide(question);
      fastest = Math.min(fastest, spent());
      expect(decision.effect).toBe("deny");
    }
    expect(fastest).toBeLessThan(50);
  });
});

test("a decision that takes too many steps denies and says so, however the rest would decide", () => {
  const rules = [
    { id: "a", effect: "allow", role: "reader" },
    { id: "z", effect: "deny", when: "sql.tables.exists(t, sql.reads.exists(r, t + r + sql.text == ''))" },
  ];
  const policy = loadPolicy({ "p.yaml": JSON.stringify({ version: 1, rules }) });
  expect(ask(policy, "select 1").effect).toBe("allow");
  const refused = policy.decide({ ...asking() });
  expect(refused).toMatchObject({ effect: "deny", rules: [] });
  expect(refused.message).toMatch(/takes too many steps: the operation is too large/);
  const examined = policy.examine(asking());
  expect(examined.map(({ result }) => result)).toEqual(["matched", "failed"]);
});

test("nothing in a condition catches that the steps are used up", () => {
  for (const condition of [
    "sql.tables.all(t, sql.reads.all(r, t.contains(r + 'x') || !t.contains(r + 'y'))) || true",
    "sql.tables.exists(t, sql.reads.exists(r, t + r + reason == '') || true) || true",
    "false || (sql.tables.all(t, sql.reads.all(r, t + r + sql.text != '')) ? true : true)",
  ]) {
    const rules = [{ id: "a", effect: "allow", role: "reader", when: condition }];
    expect(loadPolicy({ "p.yaml": JSON.stringify({ version: 1, rules }) }).decide(asking()).effect, condition).toBe("deny");
  }
});

test("the answer is the same when the facts were seen before", () => {
  // Each half is within the budget, both together are not.
  const half = (name: string) => `sql.tables.all(t, sql.reads.all(r, t != r + '${name}' || t == t))`;
  const rules = [
    { id: "fixed", effect: "allow", role: "reader", when: half("f") },
    { id: "varying", effect: "allow", role: "reader", when: `${half("v")} && reason != ''` },
  ];
  const policy = loadPolicy({ "p.yaml": JSON.stringify({ version: 1, rules }) });
  const question = asking();
  const first = policy.decide(question);
  for (let round = 0; round < 3; round++) expect(policy.decide(question)).toEqual(first);
});

test("a text of many statements is decided in time", () => {
  const policy = policyOf("sql.readOnly && '#' in sql.tables");
  const { facts } = questionOf("select 1");
  if (facts.protocol !== "postgres") throw new Error("not SQL");
  const parts = Array.from({ length: 20_000 }, () => Object.freeze({ ...facts.sql }));
  const question = { ...questionOf("select 1"), facts: Object.freeze({ ...facts, parts }) };
  const spent = cpuMs();
  expect(policy.decide(question).message).toMatch(/takes too many steps/);
  expect(spent()).toBeLessThan(50);
});
