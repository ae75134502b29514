import { expect, test } from "vitest";
import { Waiting } from "./waiting.ts";

test("callers are served in turn, however many things one of them has", () => {
  const waiting = new Waiting<string>(100);
  for (const n of [1, 2, 3]) waiting.add("flood", `flood ${n}`);
  waiting.add("other", "other 1");
  waiting.add("third", "third 1");
  const taken = [1, 2, 3, 4, 5, 6].map(() => waiting.take());
  expect(taken).toEqual(["flood 1", "other 1", "third 1", "flood 2", "flood 3", undefined]);
});

test("a line is bounded, and only that one", () => {
  const waiting = new Waiting<number>(2);
  expect([1, 2, 3].map((n) => waiting.add("a", n))).toEqual([true, true, false]);
  expect(waiting.add("b", 1)).toBe(true);
  waiting.take();
  expect(waiting.add("a", 4)).toBe(true);
});
