import { expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { freezeJson } from "./json-value.ts";

const freeze = (value: unknown) => freezeJson(value, "the call");

test("gives a copy that nobody can change", () => {
  const given = { list: [{ a: 1 }], text: "x" };
  const { value, doubts } = freeze(given);
  given.list.push({ a: 2 });
  expect(value).toEqual({ list: [{ a: 1 }], text: "x" });
  expect(doubts).toEqual([]);
  const frozen = (one: unknown): boolean =>
    typeof one !== "object" || one === null || (Object.isFrozen(one) && Object.values(one).every(frozen));
  expect(frozen(value)).toBe(true);
});

test("names that objects inherit become members, not prototypes", () => {
  const { value, doubts } = freeze(JSON.parse('{"__proto__":{"admin":true},"toString":1}'));
  expect(JSON.stringify(value)).toBe('{"__proto__":{"admin":true},"toString":1}');
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(doubts).toEqual(["the call has a name that JavaScript servers may take for their own (__proto__)"]);
  expect(Reflect.get({}, "admin")).toBe(undefined);
});

class Money {
  amount = 1;
}
const holes = [1];
holes[2] = 3;
const cycle: unknown[] = [];
cycle.push(cycle);

test.each<[string, unknown]>([
  ["undefined", undefined],
  ["undefined in an object", { a: undefined }],
  ["undefined in a list", [undefined]],
  ["a function", { a: () => 1 }],
  ["a symbol", { a: Symbol.iterator }],
  ["a member named by a symbol", { [Symbol.iterator]: 1 }],
  ["a bigint", { a: 1n }],
  ["NaN", [Number.NaN]],
  ["infinity", { a: -Infinity }],
  ["a lone surrogate", { a: "\ud800" }],
  ["a lone surrogate in a name", { "\udc00": 1 }],
  ["a date", { a: new Date(0) }],
  ["a map", new Map([["a", 1]])],
  ["an instance of a class", { a: new Money() }],
  ["bytes", { a: new Uint8Array(2) }],
  ["holes", holes],
  ["a list with members", Object.assign([1], { toJSON: () => 2 })],
  ["a getter", Object.defineProperty({}, "a", { get: () => 1, enumerable: true })],
  ["a hidden member", Object.defineProperty({}, "a", { value: 1 })],
])("refuses %s, which JSON cannot carry", (_, value) => {
  expect(() => freeze(value)).toThrow(CountersignError);
});

test("a cycle is not looked into", () => {
  expect(freeze(cycle)).toEqual({ value: null, doubts: ["the call is not looked into: it nests deeper than 64"] });
});

test("a number that may have been rounded on its way is doubted", () => {
  expect(freeze({ id: 2 ** 53 }).doubts.join()).toMatch(/exact/);
  expect(freeze({ id: 2 ** 53 - 1, x: 1e-10, y: 1.5 }).doubts).toEqual([]);
});
