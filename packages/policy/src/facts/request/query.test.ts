import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { readQuery } from "./query.ts";

function refusal(sent: string): string {
  try {
    readQuery(sent);
  } catch (error) {
    if (error instanceof CountersignError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test.each<[string | undefined, Record<string, string[]>]>([
  [undefined, {}],
  ["", {}],
  ["&&", {}],
  ["a=1&b=2", { a: ["1"], b: ["2"] }],
  ["a=1&a=1", { a: ["1", "1"] }],
  ["a", { a: [""] }],
  ["a=", { a: [""] }],
  ["a=b=c?/", { a: ["b=c?/"] }],
  ["q=x+y%20z%2B", { q: ["x y z+"] }],
  ["%61=%26%3D%3B", { a: ["&=;"] }],
  ["name=%C3%A4%0Ab", { name: ["ä\nb"] }],
  ["$filter=a[0]|{x}^`", { $filter: ["a[0]|{x}^`"] }],
])("%s is read as every server reads it", (sent, values) => {
  expect(readQuery(sent)).toEqual({ values, repeated: [], doubts: [] });
});

test("values of one name are kept in order; names whose values differ are noted, because servers choose", () => {
  expect(readQuery("id=7&x=1&id=8&%69d=7&x=1")).toEqual({
    values: { id: ["7", "8", "7"], x: ["1", "1"] },
    repeated: ["id"],
    doubts: [],
  });
});

test("names that objects inherit are names like others", () => {
  const { values, doubts } = readQuery("__proto__=1&constructor=2&toString=3");
  expect(Object.entries(values)).toEqual([
    ["__proto__", ["1"]],
    ["constructor", ["2"]],
    ["toString", ["3"]],
  ]);
  expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
  expect(doubts).toEqual([]);
});

test("what is read cannot be changed", () => {
  const { values } = readQuery("a=1");
  expect(Object.isFrozen(values) && Object.isFrozen(values.a)).toBe(true);
});

describe("http-smuggle", () => {
  test.each([
    "a=%",
    "a=%2",
    "a=%zz",
    "%=1",
    "a=%u0041",
    "a=%ff",
    "a=%c0%80",
    "a=%00",
    "%00=1",
    "a b",
    "a=\n",
    "a=ä",
    "a=<",
    'a="',
    "a=\\",
    "a#b",
  ])("refused: %j", (sent) => {
    expect(refusal(sent)).toMatch(/^invalid_operation: The query /);
  });

  test("refused: more parameters than frameworks read", () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `a${index}=1`).join("&");
    expect(refusal(many(500))).toBe("accepted");
    expect(refusal(many(501))).toMatch(/^operation_too_large: /);
  });

  test.each([
    ["a=1;b=2", /semicolon/],
    ["a[]=1", /frameworks/],
    ["a[b]=1", /frameworks/],
    ["a%5Bb%5D=1", /frameworks/],
    ["a.b=1", /frameworks/],
    ["a+b=1", /frameworks/],
    ["+a=1", /frameworks/],
    ["%20a=1", /frameworks/],
    ["=1", /frameworks/],
    ["%C3%A4=1", /frameworks/],
    ["a%26b=1", /frameworks/],
    ["a%0A=1", /frameworks/],
    ["a%2561=1", /frameworks/],
    ["a=%252e%252e", /encoded twice/],
    ["a=%25u002e", /encoded twice/],
    ["user=%EF%BD%81dmin", /take for others/],
    ["user=ad%E2%80%8Bmin", /take for others/],
    ["id=1&ID=2", /differ only in case/],
  ])("opaque: %s", (sent, why) => {
    expect(readQuery(sent).doubts.join()).toMatch(why);
  });
});
