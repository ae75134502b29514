import { type ASTNode, parse } from "@marcbachmann/cel-js";
import { describe, expect, test } from "vitest";
import { partRange } from "./part-range.ts";

/** The texts of a condition and of its operands, at any depth. */
function parts(text: string): string[] {
  const texts: string[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isNode(value)) {
      const { start, end } = partRange(text, value);
      texts.push(text.slice(start, end));
      visit(value.args);
    }
  };
  visit(parse(text).ast);
  return texts;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "start" in value;
}

describe("a part's text has all its parentheses", () => {
  test.each([
    ["(a || b) && (c)", ["(a || b) && (c)", "a || b", "a", "b", "c"]],
    ["!(a || b) && !c", ["!(a || b) && !c", "!(a || b)", "a || b", "a", "b", "!c", "c"]],
    ["((a == 1)) && d", ["((a == 1)) && d", "a == 1", "a", "1", "d"]],
    ["!(!(a))", ["!(!(a))", "!(a)", "a"]],
    ["(a.b).f('x')", ["(a.b).f('x')", "a.b", "a", "'x'"]],
    ["x.exists(t, (t) && has(x.y))", ["x.exists(t, (t) && has(x.y))", "x", "t", "(t) && has(x.y)", "t", "has(x.y)", "x.y", "x"]],
  ])("%s", (text, expected) => {
    expect(parts(text)).toEqual(expected);
  });
});

test("parentheses in texts and comments are none", () => {
  for (const literal of ['")"', "')'", "'\\')'", 'r"\\")"', '"""a")"""', "'''(\n'''", '"\\\\"']) {
    const [whole, left] = parts(`(a == ${literal}) && b`);
    expect([whole, left]).toEqual([`(a == ${literal}) && b`, `a == ${literal}`]);
  }
  expect(parts("(a // :)\n || b) && c").slice(0, 2)).toEqual(["(a // :)\n || b) && c", "a // :)\n || b"]);
});
