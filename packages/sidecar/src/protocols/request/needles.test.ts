import fc from "fast-check";
import { expect, test } from "vitest";
import { Needles } from "./needles.ts";

/** The same by looking at every place. */
function hidden(text: string, needles: readonly string[]): string {
  const hide = new Set<number>();
  for (const needle of needles)
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1))
      for (let n = 0; n < needle.length; n++) hide.add(at + n);
  return [...text].map((letter, at) => (hide.has(at) ? "*" : letter)).join("");
}

function openEnd(text: string, needles: readonly string[]): number {
  const sizes = needles.flatMap((needle) =>
    [...needle].map((_, at) => needle.slice(0, at)).filter((start) => text.endsWith(start)),
  );
  return Math.max(0, ...sizes.map((start) => start.length));
}

/** Few letters, so that much of it matches. */
const letters = (minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom("a", "b", "c"), { minLength, maxLength }).map((all) => all.join(""));

test("every place of every text is found, and the beginning of one at the end", () => {
  const needles = fc.array(letters(2, 9), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(needles, letters(0, 60), (texts, text) => {
      const one = new Needles(texts.map((needle) => Buffer.from(needle)));
      expect(one.openEnd(Buffer.from(text))).toBe(openEnd(text, texts));
      expect(one.hide(Buffer.from(text)).toString()).toBe(hidden(text, texts));
    }),
    { numRuns: 2000 },
  );
});

test("texts that are longer than a step can say, and none at all", () => {
  const long = Array.from({ length: 900 }, (_, n) => String.fromCharCode(33 + ((n * 7) % 90))).join("");
  const needles = new Needles([Buffer.from(long), Buffer.from(long.slice(100, 500))]);
  for (const before of [0, 1, 2, 253, 254, 255, 256, 5000])
    for (const text of [long, long.slice(100, 500)])
      expect(needles.hide(Buffer.from(`${"x".repeat(before)}${text}y`)).toString()).toBe(
        `${"x".repeat(before)}${"*".repeat(text.length)}y`,
      );
  const none = new Needles([]);
  expect([none.hide(Buffer.from("text")).toString(), none.openEnd(Buffer.from("text"))]).toEqual(["text", 0]);
});
