import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readJson } from "./json-text.ts";

const read = (text: string) => readJson(text, "the body");

describe("http-body: JSON that readers take in different ways is opaque", () => {
  test.each([
    ["a member twice", '{"a":1,"a":2}', /twice/],
    ["a member twice with the same value", '{"a":1,"a":1}', /twice/],
    ["a member twice, deep", '[{"x":[{"a":1,"b":{"c":1},"a":2}]}]', /twice/],
    ["a member twice by an escape", '{"amount":1,"\\u0061mount":2}', /twice/],
    ["a member twice by another escape", '{"a\\/b":1,"a/b":2}', /twice/],
    ["a member twice with a quote in it", '{"a\\"":1,"a\\u0022":2}', /twice/],
    ["a member twice around others", '{"a":{"a":{"a":1}},"b":["a","a"],"a":2}', /twice/],
    ["the empty name twice", '{"":1,"":2}', /twice/],
    ["names that differ in case", '{"amount":1,"Amount":2}', /take for the same/],
    ["names that Go folds", '{"task":1,"tas\u212a":2}', /take for/],
    ["a long s", '{"u\u017fer":1}', /take for/],
    ["an invisible character", '{"user\u200b":1}', /take for/],
    ["a full-width name", '{"\uff41dmin":1}', /take for/],
    ["the prototype", '{"__proto__":{"admin":true}}', /JavaScript/],
    ["the constructor", '{"constructor":{"prototype":{"admin":true}}}', /JavaScript/],
    ["NUL in a name", '{"a\\u0000b":1}', /NUL/],
    ["NUL in a value", '{"a":"x\\u0000"}', /NUL/],
    ["an integer beyond 2^53", '{"id":9007199254740993}', /exact/],
    ["an integer with an exponent", "1e16", /exact/],
    ["more digits than a double has", "0.1000000000000000055511151231257827", /exact/],
    ["less than the least", "1e-400", /exact/],
    ["a very long number", `1${"0".repeat(200)}`, /exact/],
    ["a very long fraction", `0.${"0".repeat(200)}1`, /exact/],
  ])("%s: %s", (_, text, why) => {
    expect(read(text).doubts.join()).toMatch(why);
  });

  test.each([
    "",
    " ",
    "NaN",
    "{a:1}",
    "{'a':1}",
    '{"a":1,}',
    "[1,]",
    "[1 2]",
    "// x\n1",
    "/* x */1",
    "01",
    "+1",
    ".5",
    "1.",
    "0x10",
    "1_000",
    "Infinity",
    "undefined",
    '{"a":1}{"b":2}',
    '"\t"',
    '"\\x41"',
    "\u00a01",
    "\u2028{}",
    '{"a":1}\0',
    ")]}',\n{}",
  ])("what is not JSON: %j", (text) => {
    expect(read(text)).toEqual({ value: null, doubts: ["the body is not JSON"] });
  });

  test.each([
    ["depth", "[".repeat(65) + "]".repeat(65), /nests deeper/],
    ["a long list", `[${"1,".repeat(500)}1]`, /more than 500/],
    ["many members", `{${Array.from({ length: 501 }, (_, index) => `"a${index}":1`).join()}}`, /more than 500/],
    ["many values", `[${Array.from({ length: 30 }, () => `[${"1,".repeat(400)}1]`).join()}]`, /more than 10000/],
  ])("beyond the caps: %s", (_, text, why) => {
    const { value, doubts } = read(text);
    expect(value).toBe(null);
    expect(doubts.join()).toMatch(why);
  });
});

test.each([
  "1",
  "-0",
  "1.0",
  "100e-2",
  "1E3",
  "0.1",
  "9007199254740991",
  "-9007199254740991",
  "123456789.123456",
  "5e-324",
  "1234567890123456.0",
])("the number %s is exact", (text) => {
  expect(read(text)).toEqual({ value: Number(text), doubts: [] });
});

test("nothing keeps the event loop", () => {
  const worst = [
    "[".repeat(131_000) + "]".repeat(131_000),
    `{${'"a":1,'.repeat(40_000)}"a":1}`,
    `[${`${"1".repeat(99)},`.repeat(400)}1]`,
    "1".repeat(260_000),
    `0.${"0".repeat(260_000)}1`,
    JSON.stringify("\\".repeat(130_000)),
    `"${"\\a".repeat(130_000)}`,
  ];
  for (const text of worst) {
    const start = performance.now();
    try {
      read(text);
    } catch {
      // Refused: fine too.
    }
    // Some 20 ms at most; the machine may be busy.
    expect(performance.now() - start, text.slice(0, 20)).toBeLessThan(500);
  }
});

test("a value is what JSON.parse says, and layout and escapes change nothing", () => {
  const key = fc.stringMatching(/^[a-z]{1,6}$/);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.boolean(), fc.constant(null), key, tie("list"), tie("object")),
    list: fc.array(tie("value"), { maxLength: 4 }),
    object: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, "\t", " \n"), (given, space) => {
      const text = JSON.stringify(given, null, space);
      const escaped = text.replace(/[a-z](?=[a-z]*")/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
      expect(read(text)).toEqual({ value: given, doubts: [] });
      expect(read(escaped)).toEqual({ value: given, doubts: [] });
    }),
  );
});

test("a member that is given twice is found wherever it is, whatever is around it", () => {
  const noise = fc.json({ maxDepth: 2 });
  fc.assert(
    fc.property(noise, noise, noise, fc.nat(3), (first, second, between, depth) => {
      const text = `{"k":${first},"z":${between},"\\u006b":${second}}`;
      const nested = `${'[{"o":'.repeat(depth)}${text}${"}]".repeat(depth)}`;
      expect(read(nested).doubts).toContain("the body gives a member twice, and servers take the first or the last");
    }),
  );
});

test("an integer is exact when it is the double's", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (integer) => {
      const exact = integer >= -(2n ** 53n) && integer <= 2n ** 53n;
      if (exact) expect(read(String(integer)).value).toBe(Number(integer));
      else expect(read(String(integer)).doubts.join()).toMatch(/exact/);
    }),
  );
});
