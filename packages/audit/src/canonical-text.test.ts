import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalBytes, type Json } from "./canonical.ts";
import { canonicalText } from "./canonical-text.ts";

/** What `make` gives, or that it throws. */
function attempt(make: () => string): string | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** What a caller may hand in whatever the types say. */
const untyped = (value: unknown) => value as Json;

/** The canonicaliser of the verifier is the oracle. */
function agree(value: unknown): void {
  expect(attempt(() => canonicalText(untyped(value)))).toBe(attempt(() => canonicalBytes(untyped(value)).toString()));
}

class Money {
  readonly amount = 5;
  toJSON(): string {
    return `${this.amount} EUR`;
  }
}

describe("the writer's canonical text", () => {
  it("is the verifier's canonical JSON, for any value", () => {
    fc.assert(
      fc.property(
        fc.anything({
          key: fc.string({ unit: "binary", maxLength: 3 }),
          values: [fc.string({ unit: "binary" }), fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(null, undefined)],
          withBoxedValues: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withSparseArray: true,
          maxDepth: 5,
        }),
        (value) => agree(value),
      ),
      { numRuns: 1_000 },
    );
  });

  it.each<[string, unknown]>([
    ["names that sort by code unit, not by code point", { "\u{1f600}": 1, "\ufb33": 2, "\r": 3, "1": 4, "10": 5, "2": 6 }],
    ["a name with a lone surrogate", { "\udc00": 1 }],
    ["the numbers of RFC 8785", [-0, 1e21, 1e-7, 333333333.3333333, 4.5, 2e-3, 5e-324, 2 ** 53 + 2]],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a big integer", 1n],
    ["a text with a lone surrogate", ["\ud800"]],
    ["members and items that are undefined", { a: undefined, b: [undefined], c: 1 }],
    ["a class that says what it is as JSON", { price: new Money() }],
    ["a member called toJSON that is none", { toJSON: 1, a: 2 }],
    ["a member called __proto__", JSON.parse('{"__proto__":{"b":1},"a":2}')],
    ["depths that no recursion reaches", JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`)],
  ])("handles %s alike", (_, value) => agree(value));

  it("refuses what is no JSON", () => {
    for (const wrong of [() => 1, Symbol("s"), undefined, [() => 1]])
      expect(() => canonicalText(untyped(wrong))).toThrow(TypeError);
  });

  it("refuses what contains itself", () => {
    const circle: { self?: unknown; other?: unknown } = {};
    circle.self = circle;
    circle.other = circle;
    expect(() => canonicalText(untyped(circle))).toThrow(/[Cc]ircular/);
  });
});
