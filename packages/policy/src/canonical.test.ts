import { expect, test } from "vitest";
import { canonicalDigest, canonicalJson } from "./canonical.ts";

test("keys are sorted by UTF-16 code units and nothing is left between tokens (RFC 8785 §3.2.3)", () => {
  const value = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew",
    "1": "One",
    "\ud83d\ude00": "Emoji",
    "\u0080": "Control",
  };
  expect(Object.keys(JSON.parse(canonicalJson(value)))).toEqual(["1", "\r", "\u0080", "\u20ac", "\ud83d\ude00", "\ufb33"]);
  expect(canonicalJson({ b: [1, null, true], a: undefined })).toBe('{"b":[1,null,true]}');
});

test.each([
  ["lone surrogate", "\ud800"],
  ["lone surrogate in a key", { "\udc00": 1 }],
  ["NaN", Number.NaN],
  ["infinity", Number.POSITIVE_INFINITY],
])("%s has no canonical form", (_, value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
});

test("the domain separates digests of the same value", () => {
  expect(canonicalDigest("a", 1)).not.toBe(canonicalDigest("b", 1));
  // printf 'a\n1' | sha256sum
  expect(canonicalDigest("a", 1)).toBe("sha256:4f395a2e9ea1c0680348d384135458270e9e6f5af3576151fec246b7b6de98e6");
});
