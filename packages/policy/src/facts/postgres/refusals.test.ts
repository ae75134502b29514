import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./parser.ts";
import { refusalOf } from "./testing-facts.ts";

beforeAll(loadParser);

describe("pg-parse: refused", () => {
  test.each([
    "",
    "   ",
    ";",
    ";;\n;",
    "-- only a comment",
    "/* a /* nested */ one */",
    "\ufeff",
    "selec 1",
    "select 1; selec 2",
    "select 'open",
    "select $$open",
    "/* open",
    "select 1 from",
    "\\d t",
    "copy t from stdin;\n1\n\\.",
  ])("%j", (text) => {
    expect(refusalOf(text)).toMatch(/^invalid_operation: /);
  });

  test.each<[string, (n: number) => string]>([
    ["sums", (n) => `select ${"1+".repeat(n)}1`],
    ["a condition", (n) => `delete from t where ${"1+".repeat(n)}1`],
    ["negations", (n) => `update t set a = 1 where ${"not ".repeat(n)}true`],
    ["comparisons", (n) => `delete from t where ${"(".repeat(n)}1${"=1)".repeat(n)}`],
    ["calls", (n) => `update t set a = 1 where ${"f(".repeat(n)}1${")".repeat(n)}`],
    ["a join condition", (n) => `merge into t using u on ${"not ".repeat(n)}a when matched then delete`],
    ["unions", (n) => `select 1${" union select 1 where a".repeat(n)}`],
    ["casts", (n) => `select set_config('a'${"::text".repeat(n)}, 'b', false)`],
    ["arrays", (n) => `select ${"array[".repeat(n)}1${"]".repeat(n)}`],
    ["fields", (n) => `select ${"(".repeat(n)}a${").b".repeat(n)}`],
  ])("nesting that the parser takes but PostgreSQL may not: %s", async (_, nested) => {
    for (const n of [600, 1200, 2000, 3000, 5000, 8000]) {
      expect(refusalOf(nested(n))).toMatch(/^invalid_operation: .*(levels deep|too deeply|memory exhausted)/);
      await loadParser();
    }
  });

  test("more names than conditions can look at", () => {
    const many = Array.from({ length: 501 }, (_, index) => `t${index}`).join(", ");
    expect(refusalOf(`select 1 from ${many}`)).toMatch(/^invalid_operation: .*more than 500/);
    const types = Array.from({ length: 501 }, (_, index) => `null::y${index}`).join(", ");
    expect(refusalOf(`select ${types}`)).toMatch(/^invalid_operation: .*more than 500/);
    expect(refusalOf("select 1;".repeat(501))).toMatch(/^invalid_operation: .*more than 500 statements/);
    expect(refusalOf("select 1;".repeat(500))).toBe("accepted");
    expect(refusalOf("select 1 from a, b, c, d, e;".repeat(400))).toBe("accepted");
    expect(refusalOf("select 1 from a, b, c, d, e;".repeat(401))).toMatch(/^invalid_operation: .*2000 in all its statements/);
  });
});
