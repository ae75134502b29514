import { expect, test } from "vitest";
import { headlineText } from "./headline.ts";

test.each([
  ["select 1", "select 1"],
  ["-- a\\nselect\\t1", "-- a\nselect\t1"],
  ["E'\\\\n'", "E'\\n'"],
  ["a\\u{202e}b", "a\u202eb"],
  ["a\\u{ffffff}b\\q", "a\\u{ffffff}b\\q"],
])("%s", (headline, text) => {
  expect(headlineText(headline)).toBe(text);
});
