import { expect, test } from "vitest";
import { lineDifference } from "./line-difference.ts";

const many = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}\n`).join("");

test("equal texts have none", () => {
  expect(lineDifference("a\nb\n", "a\nb\n")).toEqual([]);
  expect(lineDifference("", "")).toEqual([]);
});

test("what goes and what comes, with what stands beside it", () => {
  expect(lineDifference("a\nb\nc\n", "a\nB\nc\nd\n")).toEqual([" a", "-b", "+B", " c", "+d"]);
  expect(lineDifference("", "new\n")).toEqual(["+new"]);
  expect(lineDifference("gone\n", "")).toEqual(["-gone"]);
});

test("what is far from a change is left out, and said to be", () => {
  expect(lineDifference(many(1, 20), many(1, 9) + many(11, 20))).toEqual([
    ...["@ …", " 7", " 8", " 9", "-10", " 11", " 12", " 13", "@ …"],
  ]);
});

test("the end of the last line counts", () => {
  expect(lineDifference("a", "a\n")).toEqual(["-a", "\\ No newline at end of file", "+a"]);
  expect(lineDifference("", "\n")).toEqual(["+"]);
});

test("texts that differ everywhere do not take for ever", () => {
  const atMs = performance.now();
  expect(lineDifference(many(1, 50_000), many(100_001, 150_000))).toHaveLength(100_000);
  expect(performance.now() - atMs).toBeLessThan(2000);
});

test("applied to what was before, it gives what is after, whatever they are", () => {
  let seed = 7;
  const random = (most: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % most;
  };
  for (let round = 0; round < 500; round++) {
    const text = () => Array.from({ length: random(12) }, () => `${"abc"[random(3)]}\n`).join("");
    const [before, after] = [text(), text()];
    const lines = lineDifference(before, after).filter((line) => !line.startsWith("@"));
    const of = (marks: string) => lines.filter((line) => marks.includes(line[0] ?? "")).map((line) => `${line.slice(1)}\n`);
    // What is not shown is the same in both.
    expect(before.includes(of(" -").join("")) || of("-").length > 0).toBe(true);
    if (lines.length === before.split("\n").length - 1 + of("+").length) {
      expect(of(" -").join("")).toBe(before);
      expect(of(" +").join("")).toBe(after);
    } else expect(lines.length === 0 ? before : "differs").toBe(lines.length === 0 ? after : "differs");
  }
});
