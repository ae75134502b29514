import { expect, test } from "vitest";
import { indentedJson } from "./indented-json.ts";

test("one value on a line; empty ones stay together", () => {
  expect(indentedJson('{"a":[1,{"b":"x, {y}"}],"c":{},"d":[]}')).toBe(
    '{\n  "a": [\n    1,\n    {\n      "b": "x, {y}"\n    }\n  ],\n  "c": {},\n  "d": []\n}',
  );
});

test("names that stand twice, numbers and escapes are shown as they were written", () => {
  const shown = indentedJson('{"amount":1,"amount":1e2,"n":10000000000000000001,"s":"\\u0061\\"b"}');
  for (const token of ['"amount": 1,', '"amount": 1e2', "10000000000000000001", '"\\u0061\\"b"']) expect(shown).toContain(token);
});

test("what is no JSON is given back as it is", () => {
  for (const text of ["", "x", "{", '{"a":1}}', "12", '{"a":1} -- {"b":2}', "[1,]"]) expect(indentedJson(text)).toBe(text);
});

/** Without white space outside of strings. */
const bare = (text: string) => text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");

/** Values of every form, each in every other. */
function values(depth: number): readonly unknown[] {
  const plain = [null, true, -0.5, 1e300, "", ' "{}[],:\\ \n', "\u202e"];
  if (depth === 0) return plain;
  const inner = values(depth - 1);
  return [...plain, [], {}, inner, ...inner.map((one) => [one]), ...inner.map((one) => ({ "": one, "a:b": [one, one] }))];
}

test("nothing but white space between tokens is put in or taken out", () => {
  for (const value of values(2)) {
    for (const indent of [0, 1, 4]) {
      const text = JSON.stringify(value, null, indent);
      expect(bare(indentedJson(text))).toBe(bare(text));
      expect(JSON.parse(indentedJson(text))).toEqual(value);
    }
  }
});
