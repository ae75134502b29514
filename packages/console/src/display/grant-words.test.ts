import { expect, test } from "vitest";
import type { GrantTerms } from "../api/model.ts";
import { boundWords, limitsInWords, termsWords, widestConsequence } from "./grant-words.ts";

const terms = (...bounds: GrantTerms["bounds"]): GrantTerms => ({ uses: 20, ttlSeconds: 28_800, bounds });
const values = [
  { name: "$1", value: { type: "text", value: "open" } },
  { name: "$2", value: { type: "null" } },
  { name: "$3", value: { type: "binary", value: Uint8Array.of(1, 2) } },
] as const;
const asked = { subject: "cleaner", resource: "orders-db", wish: "delete rows from public.orders", everyRow: false };

test("terms say how often and how long", () => {
  expect(termsWords(terms())).toBe("20 times within 8 hours");
  expect(termsWords({ uses: 1, ttlSeconds: 90 })).toBe("1 time within 1 minute 30 seconds");
});

test.each([
  [{ type: "any" }, "anything but NULL"],
  [{ type: "prefix", prefix: "SKU-" }, "any text that begins with “SKU-”"],
  [{ type: "range", min: "1", max: "1000" }, "any number from 1 to 1000"],
  [{ type: "one-of", values: ["a", "b", "c"] }, "“a”, “b” or “c”"],
] as const)("a bound in words: %j", (bound, words) => {
  expect(boundWords(bound)).toBe(words);
});

test("a value without a bound is exactly the approved one", () => {
  expect(limitsInWords(values, terms({ value: "$1", bound: { type: "any" } }))).toEqual([
    { name: "$1", words: "anything but NULL", open: true },
    { name: "$2", words: "exactly NULL", open: false },
    { name: "$3", words: "exactly the same 2 bytes", open: false },
  ]);
});

test("the widest consequence names what the agent may choose", () => {
  expect(widestConsequence({ ...asked, terms: terms() })).toBe(
    "At worst, cleaner will delete rows from public.orders on orders-db 20 more times within 8 hours, each time with exactly these values, and nobody is asked again.",
  );
  const wide = terms({ value: "$1", bound: { type: "any" } }, { value: "$2", bound: { type: "prefix", prefix: "a" } });
  expect(widestConsequence({ ...asked, terms: wide, everyRow: true })).toContain(
    "each time on every row, with whatever it chooses for $1, choosing $2 within the bounds above",
  );
});
