import { expect, test } from "vitest";
import { difference } from "./difference.ts";

const marks = { same: " ", removed: "-", added: "+" };
const shown = (before: string, after: string) =>
  difference(before, after).map(({ kind, line }) => marks[kind] + line.spans.map((span) => span.shown).join(""));
const source = (before: string, after: string, without: "added" | "removed") =>
  difference(before, after)
    .filter(({ kind }) => kind !== without)
    .map(({ line }) => line.spans.map((span) => span.source).join(""))
    .join("\n");

test("what changed stands between what did not", () => {
  expect(shown("a\nb\nc\nd", "a\nB\nc\nx\nd")).toEqual([" a", "-b", "+B", " c", "+x", " d"]);
  expect(shown("a", "a")).toEqual([" a"]);
  expect(shown("a", "a\nb")).toEqual([" a", "+b"]);
  expect(shown("a", "a\n")).toEqual([" a", "+"]);
  expect(shown("a\na\na", "a\na")).toEqual([" a", " a", "-a"]);
});

test("nothing is lost: both texts can be put together again", () => {
  const random = (seed: number) => Array.from({ length: 40 }, (_, at) => "abc"[(seed * (at + 7) * 31) % 3]).join("\n");
  for (let seed = 1; seed < 30; seed++) {
    const [before, after] = [random(seed), random(seed + 5)];
    expect(source(before, after, "added")).toBe(before);
    expect(source(before, after, "removed")).toBe(after);
  }
});

test("hidden characters and other line ends are differences that are seen", () => {
  expect(shown("a b", "a\u200b b")).toEqual(["-a b", "+a\\u{200B} b"]);
  expect(difference("a\r\nb", "a\nb").map(({ kind }) => kind)).toEqual(["removed", "added", "same"]);
});

test("two large texts without a common line are shown one after the other, at once", () => {
  const lines = (word: string) => Array.from({ length: 5000 }, (_, at) => `${word}${at}`).join("\n");
  const compared = difference(lines("a"), lines("b"));
  expect(compared).toHaveLength(10_000);
  expect(compared[0]?.kind).toBe("removed");
});
