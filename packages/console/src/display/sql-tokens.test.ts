import { expect, test } from "vitest";
import { sqlTokens } from "./sql-tokens.ts";

/** The scope in which a piece of the statement is painted. */
function scopeOf(statement: string, piece: string): string | undefined {
  const at = statement.indexOf(piece);
  let offset = 0;
  for (const token of sqlTokens(statement)) {
    if (offset <= at && at < offset + token.text.length) return token.scope;
    offset += token.text.length;
  }
  throw new Error("not found");
}

test("keywords, names, numbers, strings, parameters and comments are told apart", () => {
  const statement = "delete from orders where id = $1 and note = 'x' and n > 42 -- why";
  expect(scopeOf(statement, "delete")).toBe("keyword");
  expect(scopeOf(statement, "orders")).toBeUndefined();
  expect(scopeOf(statement, "$1")).toBe("variable");
  expect(scopeOf(statement, "'x'")).toBe("string");
  expect(scopeOf(statement, "42")).toBe("number");
  expect(scopeOf(statement, "why")).toBe("comment");
});

test.each([
  ["a backslash does not continue a standard string", "select 'a\\' , drop_it", "drop_it", undefined],
  ["a backslash continues an E string", "select E'a\\'drop_it'", "drop_it", "string"],
  ["a name before a quote does not make an E string", "select date'a\\' , drop_it", "drop_it", undefined],
  ["a comment nests", "select /* a /* b */ drop_it */ 1", "drop_it", "comment"],
  ["what follows a nested comment is code", "/* a /* b */ c */ drop_it", "drop_it", undefined],
  ["a dollar quote ends with its own tag", "select $a$ $b$ $a$, drop_it, $a$ $a$", "drop_it", undefined],
  ["the inside of a dollar quote is painted as code", "do $body$ begin delete from t; end $body$", "delete", "keyword"],
  ["a quote inside of a dollar quote does not reach beyond it", "select $a$ it's /* $a$, drop_it", "drop_it", undefined],
  ["a dash-dash in a string is no comment", "select '--', drop_it", "drop_it", undefined],
  ["a quoted name holds no keyword", 'select "delete" from t', "delete", undefined],
])("%s", (_, statement, piece, scope) => {
  expect(scopeOf(statement, piece)).toBe(scope);
});

test("a huge statement is one plain token", () => {
  const statement = "select 1;".repeat(40_000);
  expect(sqlTokens(statement)).toEqual([{ text: statement }]);
});
