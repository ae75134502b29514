import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { problemsOf, questionOf } from "../testing-policy.ts";
import type { Condition } from "./condition.ts";
import { loadRules } from "./load.ts";
import type { Question } from "./question.ts";

beforeAll(loadParser);

/** A policy of one rule with this condition, which stands behind six spaces in line 6 and below. */
const fileOf = (text: string) =>
  `version: 1\nrules:\n  - id: a\n    effect: deny\n    when: |-\n      ${text.replaceAll("\n", "\n      ")}\n`;

function conditionOf(text: string): Condition {
  const [rule] = loadRules({ "p.yaml": fileOf(text) });
  if (rule?.condition === undefined) throw new Error("the rule has no condition");
  return rule.condition;
}

const evaluate = (text: string, question = asked()): unknown => {
  const condition = conditionOf(text);
  return condition.evaluatePart(condition.ast, question);
};

function asked(statement = "select * from orders where id = 1", role?: string): Question {
  return questionOf(statement, {
    principal: {
      issuer: "i",
      subject: "agent-1",
      groups: ["agents"],
      claims: { team: "a", level: 3, share: 0.5, nested: { x: true }, list: [1, 2.5, "x", null], none: null },
    },
    resource: { labels: { env: "prod" } },
    nowMs: Date.parse("2026-01-05T03:00:00Z"),
    ...(role === undefined ? {} : { role }),
  });
}

/** The column in the condition (from 0) and the message. */
function problem(text: string): string {
  return problemsOf(fileOf(text)).replace(/^p\.yaml:6:(\d+): /, (_, column: string) => `${Number(column) - 7}: `);
}

test.each([
  "sql.readOnly && !sql.writes && !sql.ddl && !sql.opaque && sql.hasWhere",
  'sql.tables == ["public.orders"] && sql.reads.all(t, t.startsWith("public.")) && sql.writesTo.size() == 0',
  'sql.kinds.exists(k, k in ["SELECT"]) && "SELECT" in sql.kinds && sql.functions == [] && sql.doubts == []',
  'sql.statements == 1 && sql.text.contains("orders") && sql.fingerprint.size() > 15',
  'principal.subject == "agent-1" && "agents" in principal.groups && principal.issuer == "i"',
  'principal.claims.team == "a" && principal.claims.level == 3 && principal.claims.level > 2 && principal.claims.nested.x == true',
  'resource.name == "orders-db" && resource.type == "postgres" && resource.labels.env == "prod" && "env" in resource.labels',
  'now.getHours() < 6 && now > timestamp("2026-01-01T00:00:00Z") && now.getDayOfWeek("Europe/Berlin") == 1',
  'reason == "because" && has(principal.claims.team) && !has(principal.claims.nobody)',
  'sql.tables.exists(t, ["public.", "x."].exists(p, t.startsWith(p)))',
  'role == "" && sql.tables.map(t, t + "!") == ["public.orders!"] && sql.tables.filter(t, t == "x") == []',
  'sql.tables.exists_one(t, t.endsWith("orders")) && sql.tables[0] == "public.orders" && sql.text.split(" ")[0] == "select"',
  'now - duration("3h") == timestamp("2026-01-05T00:00:00Z") && now - timestamp("2026-01-05T00:00:00Z") > duration("2h59m")',
])("holds: %s", (text) => {
  expect(evaluate(text)).toBe(true);
});

test("numbers of JSON are CEL doubles, which compare with whole numbers by value", () => {
  for (const text of [
    "principal.claims.level == 3 && principal.claims.level == 3.0 && 3 == principal.claims.level && principal.claims.level != 4",
    "principal.claims.level > 2 && principal.claims.level <= 3 && 2 < principal.claims.level && principal.claims.share < 1",
    "principal.claims.level in [1, 2, 3] && !(principal.claims.share in [0, 1]) && 3 in [principal.claims.level]",
    "principal.claims.list[0] == 1 && principal.claims.list.exists(x, x == 2.5) && 1 in principal.claims.list",
    "int(principal.claims.level) + 1 == 4 && principal.claims.level + 1.0 == 4.0 && principal.claims.none == null",
  ])
    expect(evaluate(text), text).toBe(true);
  // An int and a double are never added: CEL has no conversion that is not asked for.
  expect(() => evaluate("principal.claims.level + 1 == 4")).toThrow("+ cannot be used on these values");
});

test("the role that was asked for", () => {
  expect(evaluate('role == "app"', asked("select 1", "app"))).toBe(true);
});

test("notes which variables and facts it looks at", () => {
  expect([...conditionOf('sql.readOnly && "a" in principal.groups').uses].sort()).toEqual(["principal", "sql"]);
  expect([...conditionOf('has(principal.claims.x) || now > timestamp("2026-01-01T00:00:00Z")').uses].sort()).toEqual([
    "now",
    "principal",
  ]);
  const loop = conditionOf("sql.tables.exists(t, t == reason)");
  expect([...loop.uses].sort()).toEqual(["reason", "sql"]);
  expect([...loop.facts]).toEqual(["sql.tables"]);
});

test("a part is evaluated alone, with the elements that the loops around it are at", () => {
  const condition = conditionOf('sql.readOnly || sql.tables.exists(t, ["a", "b"].exists(p, t.startsWith(p)))');
  expect(condition.text).toBe('sql.readOnly || sql.tables.exists(t, ["a", "b"].exists(p, t.startsWith(p)))');
  const [left, right] = condition.ast.op === "||" ? condition.ast.args : [];
  const body = right?.op === "rcall" ? right.args[2][1] : undefined;
  const inner = body?.op === "rcall" ? body.args[2][1] : undefined;
  if (!left || !right || !body || !inner) throw new Error("the tree is not as expected");
  const question = asked("delete from orders");
  expect(condition.evaluatePart(left, question)).toBe(false);
  expect(condition.evaluatePart(right, question)).toBe(false);
  expect(condition.evaluatePart(body, question, { elements: { t: "bx" } })).toBe(true);
  expect(condition.evaluatePart(inner, question, { elements: { t: "bx", p: "a" } })).toBe(false);
  expect(condition.evaluatePart(inner, question, { elements: { t: "bx", p: "b" } })).toBe(true);
  expect(condition.evaluatePart(left, question, { facts: { ...sqlOf(question), opaque: false } })).toBe(false);
  const other = { ...question, facts: { protocol: "mcp", mcp: { opaque: true, doubts: [] } } } as unknown as Question;
  expect(() => condition.evaluatePart(left, other)).toThrow("there are no sql facts of a mcp operation");
});

function sqlOf({ facts }: Question) {
  if (facts.protocol !== "postgres") throw new Error("not SQL");
  return facts.sql;
}

describe("refused when the policy is loaded", () => {
  test.each([
    ["sql.readonly", '0: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    ["has(sql.readonly)", '4: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    ['true || sql.tabels.exists(t, t == "x")', '8: unknown fact sql.tabels; did you mean "sql.tables"?'],
    ["principal.name == reason", "0: unknown fact principal.name; principal has issuer, subject, groups, claims"],
    ["sgl.readOnly", '0: unknown name sgl; did you mean "sql"?'],
    ["files.opaque", "0: unknown name files; known are sql, ssh, kubernetes, http, mcp, principal, resource, role, now, reason"],
    ["ssh.opaque && sql.opaque", "0: the condition uses facts of several protocols (sql, ssh), and no operation has them all"],
    ["roles == reason", '0: unknown name roles; did you mean "role"?'],
    ["dyn(sql).foo", '4: "sql" is followed by a dot and a name, e.g. sql.kinds'],
    ['sql["readOnly"]', '0: "sql" is followed by a dot and a name'],
    ["conditions == variables", '0: "conditions" is followed by a dot and a name'],
    ["conditions.x", "0: unknown condition x; this file defines and includes none"],
    ["sql.tables.exists(sql, true)", '18: "sql" is taken; give the element another name'],
    ["sql.tables.exists(conditions, true)", '18: "conditions" is taken'],
    ["sql.tables.map(reason, reason).size() > 1", '15: "reason" is taken'],
    ["sql.tables", "0: the condition gives list<string>, expected bool (true or false)"],
    ["principal.claims.admin", "0: the condition gives a value of unknown type, expected bool (true or false)"],
    ["sql.readOnly &&", "15: "],
    ["sql.statements == 'x'", "0: no such overload: int == string"],
    ["sql.nope()", "0: "],
    [
      "sql.tables.exists(a, sql.tables.exists(b, sql.tables.exists(c, a == b)))",
      "42: loops (all, exists, exists_one, map, filter) may be nested 2 deep",
    ],
    [`${"(".repeat(500)}true${")".repeat(500)}`, ""],
    ['reason.substring(1) == "x"', "0: substring() is not available in conditions; available are all, "],
    ["cel.bind(x, 1, x == 1)", "0: cel is not available in conditions"],
    ["5u == 5u", "0: unsigned numbers and bytes are not available in conditions"],
    ['b"x" == b"x"', "0: unsigned numbers and bytes are not available in conditions"],
    ["type(reason) == string", "0: type() is not available in conditions; available are has, size, "],
    ["99999999999999999999 > sql.statements", "0: the number is too large (int has 64 bits)"],
    ['now > timestamp("yesterday")', "6: timestamp() cannot be made of this value"],
    ['now > timestamp("2026-02-30T00:00:00Z")', "6: timestamp() cannot be made of this value"],
    ['now > timestamp("2026-01-01T00:00:00")', "6: timestamp() cannot be made of this value"],
    ['now.getHours("Not/AZone") == 1', '13: there is no time zone "Not/AZone"; expected one like "Europe/Berlin"'],
    ["now.getHours(reason) == 1", '13: the time zone must be written out, e.g. "Europe/Berlin"'],
    ["{reason: 1}.size() == 1", "1: the keys of a map must be texts that are written out"],
  ])("%s", (text, expected) => {
    expect(problem(text)).toMatch(/^\d+: ./);
    expect(problem(text).startsWith(expected) ? expected : problem(text)).toBe(expected);
  });

  test("what is too long or too deep", () => {
    expect(problemsOf(fileOf("true ".padEnd(10_001)))).toBe("p.yaml:5:11: a condition holds at most 10000 characters");
    expect(problem(Array.from({ length: 1100 }, () => "true").join(" && "))).toMatch(/^\d+: Exceeded max/);
  });

  test("the place in a condition of several lines", () => {
    expect(problemsOf(fileOf("true &&\n  sql.readonly"))).toBe(
      'p.yaml:7:9: unknown fact sql.readonly; did you mean "sql.readOnly"?',
    );
  });
});

test("what cannot be evaluated throws rather than being false, and the message shows no value", () => {
  for (const [text, message] of [
    ['principal.claims.nobody == "x"', "No such key: nobody"],
    ['resource.labels.region == "eu"', "No such key: region"],
    ["sql.tables[5] == 'x'", "No such element: the index is out of bounds"],
    ["1 / (sql.statements - 1) == 1", "division by zero"],
    ["int(reason) == 1", "int() cannot be made of this value"],
    ["bool(principal.claims.team)", "bool() cannot be made of this value"],
    ["resource.labels[reason] == 'x'", "No such key"],
    ["principal.claims.team > 1", "> needs two numbers, two texts, two times or two durations"],
    ["principal.claims.team", undefined],
    ["principal.claims.team.all(x, x == 1)", "loops need a list or a map"],
    ["principal.claims.level.startsWith('x')", "startsWith() needs a text"],
    ["timestamp(principal.claims.team) < now", "timestamp() cannot be made of this value"],
    ["9223372036854775807 + sql.statements > 0", "the number is too large (int has 64 bits)"],
  ] as const) {
    if (message !== undefined) expect(() => evaluate(text), text).toThrow(new Error(message));
  }
});
