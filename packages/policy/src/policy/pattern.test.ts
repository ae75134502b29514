import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { readPattern } from "./pattern.ts";

const found = (pattern: string, text: string) => readPattern(pattern).search(text).found;

test("a match is found anywhere in the text, as CEL says", () => {
  expect(found("ord.rs", "select * from orders")).toBe(true);
  expect(found("^select", "select 1") && !found("^orders$", "select orders")).toBe(true);
  expect(found("(?i)SELECT", "SeLeCt 1") && !found("SELECT", "select")).toBe(true);
  expect(found("", "") && found("^$", "") && !found("^$", "x")).toBe(true);
  expect(found("\\bfoo\\b", "a foo b") && !found("\\bfoo\\b", "afoo b")).toBe(true);
  expect(found("(?m)^b$", "a\nb\nc") && !found("^b$", "a\nb\nc")).toBe(true);
  expect(found("^.$", "😀") && !found("^.$", "ab")).toBe(true);
});

test("(?i) folds case as RE2 does: also letters that only look alike", () => {
  expect(found("(?i)^select$", "ſelect") && found("(?i)^k$", "\u212a")).toBe(true);
});

describe("the same answer as RE2, for any pattern and text", () => {
  const piece = fc.constantFrom(
    ..."a b c A x . ^ $ \\b \\B \\d \\w \\s \\p{L} [a-c] [^a] [[:upper:]] (?i) (?m) (?s) | | é 😀 \\n \\x{1F600} \\z \\A".split(
      " ",
    ),
    "(",
    "(?:",
    ")",
    ")",
    "*",
    "+",
    "?",
    "{2}",
    "{1,3}",
    "*?",
    " ",
  );
  const pattern = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const text = fc.string({ unit: fc.constantFrom(..."aabbccABx _1\n é😀\ud83d".split(""), "😀", "ſ"), maxLength: 20 });
  const compiled = (source: string): RE2JS | undefined => {
    try {
      return RE2JS.compile(source);
    } catch {
      return undefined;
    }
  };

  /** Undefined when the automaton would be too large, which may happen to few. */
  const simple = (source: string) => {
    try {
      return readPattern(source);
    } catch (error) {
      if (String(error).includes("too complex")) return undefined;
      throw error;
    }
  };

  test("thousands of random ones", () => {
    let compared = 0;
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (source, texts) => {
        const expected = compiled(source);
        if (expected === undefined) {
          expect(() => readPattern(source)).toThrow(/not a regular expression/);
          return;
        }
        const own = simple(source);
        if (own === undefined) return;
        for (const one of texts) {
          compared++;
          expect([source, one, own.search(one).found]).toEqual([source, one, expected.test(one)]);
        }
      }),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(3000);
  });
});

test.each([
  ["(", /not a regular expression \(RE2 syntax\): error parsing regexp: missing closing \)/],
  ["(?=x)", /not a regular expression/],
  ["(?<=x)y", /not a regular expression/],
  ["(a)\\1", /not a regular expression/],
  ["a{1001}", /not a regular expression/],
  ["a".repeat(501), /at most 500 characters/],
  ["[ab]*a[ab]{200}x", /too complex/],
  ["(?:.{0,30}a){10}z", /too complex/],
])("refused: %s", (source, message) => {
  expect(() => readPattern(source)).toThrow(message);
});

test("no pattern takes long to read, and every text takes one step for a character", () => {
  for (const source of [
    "(a+)+$",
    "(a|aa)+$",
    "(.*a){20}$",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(a*)*(b*)*$",
    "(a?){500}a{400}b",
    "(x{1,900}){1,1}",
  ]) {
    const start = performance.now();
    try {
      const pattern = readPattern(source);
      const text = `${"a".repeat(100_000)}!`;
      expect(pattern.search(text).steps, source).toBeLessThanOrEqual(text.length + 1);
    } catch (error) {
      expect(String(error)).toMatch(/too complex/);
    }
    expect(performance.now() - start, source).toBeLessThan(1000);
  }
});

test("it stops where nothing can be found any more", () => {
  expect(readPattern("^public[.]").search("secret.keys".repeat(1000)).steps).toBe(1);
});
