import { expect, test } from "vitest";
import { escapeUnseen, headline } from "./headline.ts";

test.each([
  ["a\nb\r\tc", "a\\nb\\r\\tc"],
  ["\u001b[2Jx\u0000\u007f\u009b", "\\u{1b}[2Jx\\u{0}\\u{7f}\\u{9b}"],
  ["\u202eevil\u202c \u2066x\u2069", "\\u{202e}evil\\u{202c} \\u{2066}x\\u{2069}"],
  ["a\u200bb\u200dc\ufeffd\u00ade", "a\\u{200b}b\\u{200d}c\\u{feff}d\\u{ad}e"],
  ["a\u2028b\u2029c\u00a0d\u3000e", "a\\u{2028}b\\u{2029}c\\u{a0}d\\u{3000}e"],
  ["\u3164\u115f\u034f\ufe0f\u{e0041}", "\\u{3164}\\u{115f}\\u{34f}\\u{fe0f}\\u{e0041}"],
  ["\ud800x\udc00", "\\u{d800}x\\u{dc00}"],
  ["\\n is not a line break", "\\\\n is not a line break"],
  ["select 'naïve 日本 😀' from t", "select 'naïve 日本 😀' from t"],
])("%j is shown as %s", (text, shown) => {
  expect(escapeUnseen(text)).toBe(shown);
});

test("two different texts never look the same", () => {
  expect(escapeUnseen("\u200b")).not.toBe(escapeUnseen("\\u{200b}"));
});

test("a headline is the first 200 characters, and says when there is more", () => {
  const operation = (statement: string) => ({ kind: "postgres.query", statement, parameters: [] }) as const;
  expect(headline(operation("x".repeat(200)))).toBe("x".repeat(200));
  expect(headline(operation("x".repeat(201)))).toBe(`${"x".repeat(200)}…`);
  expect(headline(operation("😀".repeat(1_000_000)))).toBe(`${"😀".repeat(200)}…`);
});
