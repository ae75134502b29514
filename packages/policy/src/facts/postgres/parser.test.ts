import { beforeAll, describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { loadParser, parse } from "./parser.ts";

beforeAll(loadParser);

function code(text: string): string {
  try {
    parse(text);
    return "accepted";
  } catch (error) {
    return error instanceof CountersignError ? error.code : `untyped: ${error}`;
  }
}

test("gives the tree and the own text of every statement", () => {
  expect(parse("select 1; drop table t").map(({ text }) => text)).toEqual(["select 1", "drop table t"]);
  expect(parse(" /* é */ select 'ü;\u{1F600}' ;;\n-- x;\n drop table t -- end").map(({ text }) => text)).toEqual([
    "select 'ü;\u{1F600}'",
    "drop table t -- end",
  ]);
  expect(parse("select 1; -- end").map(({ text }) => text)).toEqual(["select 1; -- end"]);
  expect(parse("create function f() begin atomic select 1; select 2; end; select 3").map(({ text }) => text)).toEqual([
    "create function f() begin atomic select 1; select 2; end",
    "select 3",
  ]);
});

test("pg-parse: what PostgreSQL rejects is refused with its own words and the place", () => {
  expect(() => parse("select * form t")).toThrow(/syntax error at or near "form" \(at character 10\)/);
});

test("a complaint does not repeat a long literal", () => {
  expect(() => parse(`selec '${"x".repeat(100_000)}'`)).toThrow(/^.{1,400}$/);
  expect(() => parse(`select 1 '${"x".repeat(100_000)}'`)).toThrow(/^.{1,400}$/);
});

test("pg-parse: texts without SQL are refused and cost nothing else", () => {
  for (let round = 0; round < 100; round++)
    for (const text of ["", " ", ";", "-- x", "/* x */ ;"]) expect(code(text)).toBe("invalid_operation");
  expect(code("select 1")).toBe("accepted");
});

const deep: Record<string, (n: number) => string> = {
  parentheses: (n) => `select ${"(".repeat(n)}1${")".repeat(n)}`,
  "open parentheses": (n) => `select ${"(".repeat(n)}`,
  sums: (n) => `select ${"1+".repeat(n)}1`,
  casts: (n) => `select 1${"::int".repeat(n)}`,
  "sub-selects": (n) => `select ${"(select ".repeat(n)}1${")".repeat(n)}`,
  "sub-selects in FROM": (n) => `select * from ${"(select * from ".repeat(n)}t${") x".repeat(n)}`,
  unions: (n) => `select 1${" union select 1".repeat(n)}`,
  joins: (n) => `select * from t${" cross join t".repeat(n)}`,
  negations: (n) => `select ${"not ".repeat(n)}true`,
  cases: (n) => `select ${"case when true then ".repeat(n)}1${" end".repeat(n)}`,
  arrays: (n) => `select ${"array[".repeat(n)}1${"]".repeat(n)}`,
  calls: (n) => `select ${"f(".repeat(n)}1${")".repeat(n)}`,
};

test.each(Object.entries(deep))(
  "pg-parse: deeply nested %s never crash the parser and do not poison it for later texts",
  async (_, nested) => {
    for (const n of [500, 3000, 50_000]) {
      expect(["accepted", "invalid_operation"]).toContain(code(nested(n)));
      await loadParser();
      expect(code("select 1")).toBe("accepted");
    }
  },
);

test("pg-parse: forty overflows of the parser's stack leave it usable", async () => {
  const overflow = `select ${"1+".repeat(50_000)}1`;
  for (let round = 0; round < 40; round++) {
    expect(code(overflow)).toBe("invalid_operation");
    await loadParser();
  }
  expect(parse("select 1")).toHaveLength(1);
}, 60_000);

test("pg-parse: overflows that come faster than the parser can be replaced fail closed", async () => {
  const overflow = `select ${"1+".repeat(50_000)}1`;
  const codes = [code(overflow), code(overflow), code("select 1")];
  expect(codes).toEqual(["invalid_operation", "invalid_operation", "internal"]);
  await loadParser();
  expect(code("select 1")).toBe("accepted");
});

describe("pg-parse: runs of operator characters that the scanner would read again and again are refused", () => {
  const long = 20_000;
  test.each([
    `select 1 ${"+-".repeat(long)}1`,
    `select 1 ${"+".repeat(long)}1`,
    `select 1 ${"-".repeat(long)}\n1 ${"+/*".repeat(long)}`,
    `select 1 ${"/*".repeat(long)}${"*/".repeat(long)}`,
    `select 1 /* ${"--".repeat(long)}*/${"-+".repeat(long)}1`,
    `select 1 /* --${"/*".repeat(long)}${"*/".repeat(long)} */`,
  ])("%.30s…", (text) => {
    const started = performance.now();
    expect(() => parse(text)).toThrow(/in a row/);
    expect(performance.now() - started).toBeLessThan(500);
  });

  test.each([
    `select 1 -- ${"-".repeat(long)} ${"=".repeat(long)}\n`,
    `select '${"-".repeat(long)}'`,
    `select '${"*=|".repeat(long)}'`,
    `/${"*".repeat(250)} title ${"*".repeat(long)}/ select 1`,
    `select 1 ${"+ ".repeat(300)}1`,
    `select '${"+--".repeat(85)}'`,
  ])("but not %.30s…", (text) => {
    expect(code(text)).toBe("accepted");
  });
});
