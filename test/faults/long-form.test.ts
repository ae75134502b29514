import { expect, test } from "vitest";
import { readLongForm } from "../harness/long-form.ts";

const expected = { usage: "npm run x -- [a|b] [--minutes N]", numbers: { minutes: 10, seed: 7 }, names: ["a", "b"] };

test("what was typed counts, the default where nothing was", () => {
  expect(readLongForm(["b", "--minutes", "0.5"], expected)).toEqual({ numbers: { minutes: 0.5, seed: 7 }, names: ["b"] });
  expect(readLongForm([], expected)).toEqual({ numbers: { minutes: 10, seed: 7 }, names: [] });
});

test.each([
  [["--minutes", "ten"], '--minutes is a number above 0, not "ten".'],
  [["--minutes", "0"], '--minutes is a number above 0, not "0".'],
  [["--seed", "Infinity"], '--seed is a number above 0, not "Infinity".'],
  [["c"], "There is no c; there are a, b."],
  [["--hours", "1"], "Unknown option '--hours'"],
])("%j runs nothing: it says why, and how it is written", (args, why) => {
  expect(() => readLongForm(args, expected)).toThrow(why);
  expect(() => readLongForm(args, expected)).toThrow(`Usage: ${expected.usage}`);
});
