import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { classify } from "../facts.ts";
import { ConditionCompiler, ConditionError } from "./condition.ts";
import { factValues } from "./environment.ts";

beforeAll(loadParser);

const compiler = new ConditionCompiler();

function values(statement = "select * from orders where id = 1") {
  const facts = classify({ kind: "postgres.query", statement, parameters: [] }, { searchPath: ["public"] });
  return {
    ...factValues("sql", facts.sql),
    principal: { issuer: "i", subject: "agent-1", groups: ["agents"], claims: { team: "a", level: 3, nested: { x: true } } },
    resource: { name: "orders-db", type: "postgres", labels: { env: "prod" } },
    now: new Date("2026-01-05T03:00:00Z"),
    reason: "because",
  };
}

function problem(text: string): string {
  try {
    compiler.compile(text);
  } catch (error) {
    return error instanceof ConditionError ? `${error.offset}: ${error.message}` : `untyped: ${error}`;
  }
  return "accepted";
}

test.each([
  "sql.readOnly && !sql.writes && !sql.ddl && !sql.opaque && sql.hasWhere",
  'sql.tables == ["public.orders"] && sql.reads.all(t, t.startsWith("public.")) && sql.writesTo.size() == 0',
  'sql.kinds.exists(k, k in ["SELECT"]) && "SELECT" in sql.kinds && sql.functions == [] && sql.doubts == []',
  'sql.statements == 1 && sql.text.contains("orders") && sql.fingerprint.size() == 32',
  'principal.subject == "agent-1" && "agents" in principal.groups && principal.issuer == "i"',
  'principal.claims.team == "a" && principal.claims.level == 3 && principal.claims.level > 2 && principal.claims.nested.x == true',
  'resource.name == "orders-db" && resource.type == "postgres" && resource.labels.env == "prod" && "env" in resource.labels',
  'now.getHours() < 6 && now > timestamp("2026-01-01T00:00:00Z") && now.getDayOfWeek("Europe/Berlin") == 1',
  'reason == "because" && has(principal.claims.team) && !has(principal.claims.nobody)',
  'sql.tables.exists(t, ["public.", "x."].exists(p, t.startsWith(p)))',
])("holds: %s", (text) => {
  expect(compiler.compile(text).evaluate(values())).toBe(true);
});

test("notes which variables it looks at", () => {
  expect([...compiler.compile('sql.readOnly && "a" in principal.groups').uses].sort()).toEqual(["principal", "sql"]);
  expect([...compiler.compile('has(principal.claims.x) || now > timestamp("2026-01-01T00:00:00Z")').uses].sort()).toEqual([
    "now",
    "principal",
  ]);
  expect([...compiler.compile("sql.tables.exists(t, t == reason)").uses].sort()).toEqual(["reason", "sql"]);
});

describe("refused when the policy is loaded", () => {
  test.each([
    ["sql.readonly", '0: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    ["has(sql.readonly)", '4: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    ['true || sql.tabels.exists(t, t == "x")', '8: unknown fact sql.tabels; did you mean "sql.tables"?'],
    ["principal.name == reason", "0: unknown fact principal.name; principal has issuer, subject, groups, claims"],
    ["sgl.readOnly", '0: unknown name sgl; did you mean "sql"?'],
    ["ssh.opaque", "0: unknown name ssh; known are sql, principal, resource, now, reason"],
    ["role == reason", "0: unknown name role; known are sql, principal, resource, now, reason"],
    ["dyn(sql).foo", '4: "sql" is followed by a dot and a name, e.g. sql.kinds'],
    ['sql["readOnly"]', '0: "sql" is followed by a dot and a name'],
    ["sql.tables.exists(sql, true)", '18: "sql" is taken; give the element another name'],
    ["sql.tables.map(reason, reason).size() > 1", '15: "reason" is taken'],
    ["sql.tables", "0: the condition gives list<string>, expected bool (true or false)"],
    ["principal.claims.admin", "0: the condition gives a value of unknown type, expected bool (true or false)"],
    ["sql.readOnly &&", "15: "],
    ["sql.statements == 'x'", "0: no such overload: int == string"],
    ["sql.nope()", "0: "],
    ["", "0: "],
    [
      "sql.tables.exists(a, sql.tables.exists(b, sql.tables.exists(c, a == b)))",
      "42: loops (all, exists, exists_one, map, filter) may be nested 2 deep",
    ],
    [`${"(".repeat(500)}true${")".repeat(500)}`, ""],
    [Array.from({ length: 3000 }, () => "true").join(" && "), ""],
  ])("%s", (text, expected) => {
    expect(problem(text)).toMatch(/^\d+: ./);
    expect(problem(text).startsWith(expected)).toBe(true);
  });
});

describe("matches()", () => {
  test("finds a match anywhere, as CEL says, in RE2 syntax", () => {
    expect(
      compiler
        .compile('sql.text.matches("ord.rs") && sql.text.matches("^select") && !sql.text.matches("^orders$")')
        .evaluate(values()),
    ).toBe(true);
    expect(compiler.compile('sql.text.matches("(?i)SELECT")').evaluate(values())).toBe(true);
    expect(compiler.compile('sql.tables.exists(t, t.matches("^public[.]o"))').evaluate(values())).toBe(true);
    expect(compiler.compile('!("x".matches("y")) && ["a"].filter(a, a.matches("a")).size() == 1').evaluate(values())).toBe(true);
  });

  test.each(["(a+)+$", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*(b*)*$"])(
    "a pattern that makes other engines backtrack for years does not hang: %s",
    (pattern) => {
      const condition = compiler.compile(`sql.text.matches('${pattern}')`);
      const hostile = values(`select '${"a".repeat(50_000)}!'`);
      const start = performance.now();
      condition.evaluate(hostile);
      expect(performance.now() - start).toBeLessThan(3000);
    },
  );

  test.each([
    ['sql.text.matches("(")', /^17: not a regular expression \(RE2 syntax\)/],
    ['sql.text.matches("(?=x)")', /not a regular expression/],
    ['sql.text.matches("(a)\\\\1")', /not a regular expression/],
    ['sql.text.matches("a{1001}")', /not a regular expression/],
    ["sql.text.matches(reason)", /^17: the pattern of matches\(\) must be written out/],
    ['sql.text.matches("a" + "b")', /must be written out/],
    [`sql.text.matches("${"a".repeat(501)}")`, /at most 500 characters/],
    ['true || sql.tables.exists(t, t.matches("["))', /not a regular expression/],
  ])("refused when the policy is loaded: %s", (text, expected) => {
    expect(problem(text)).toMatch(expected);
  });

  test("is never the library's own: a receiver of unknown type does not get around it", () => {
    const condition = compiler.compile('dyn(sql.text).matches("ord.rs") && principal.claims.team.matches("a")');
    expect(condition.evaluate(values())).toBe(true);
    expect(problem("dyn(sql.text).matches(dyn(reason))")).toMatch(/must be written out/);
  });
});

test("what cannot be evaluated throws rather than being false", () => {
  for (const text of [
    'principal.claims.nobody == "x"',
    'resource.labels.region == "eu"',
    'now.getHours("Not/AZone") == 1',
    "sql.tables[5] == 'x'",
    "1 / (sql.statements - 1) == 1",
    "int(reason) == 1",
  ]) {
    expect(() => compiler.compile(text).evaluate(values()), text).toThrow();
  }
});
