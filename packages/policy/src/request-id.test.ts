import fc from "fast-check";
import { expect, test } from "vitest";
import { newRequestId } from "./request-id.ts";

test("known answers", () => {
  expect(newRequestId(0, new Uint8Array(10))).toBe(`req_${"0".repeat(26)}`);
  expect(newRequestId(2 ** 48 - 1, new Uint8Array(10).fill(255))).toBe(`req_7ZZZZZZZZZ${"Z".repeat(16)}`);
  // The ULID specification's example time.
  expect(newRequestId(1_469_918_176_385, new Uint8Array(16))).toBe(`req_01ARYZ6S41${"0".repeat(16)}`);
});

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const random = fc.uint8Array({ minLength: 10, maxLength: 16 });

test("an id is 26 Crockford characters, and ids sort by time", () => {
  fc.assert(
    fc.property(time, time, random, random, (a, b, x, y) => {
      const [first, second] = [newRequestId(a, x), newRequestId(b, y)];
      expect(first).toMatch(/^req_[0-9A-HJKMNP-TV-Z]{26}$/);
      if (a !== b) expect(first < second).toBe(a < b);
    }),
  );
});

test("different random bytes give different ids", () => {
  expect(newRequestId(1, new Uint8Array(10))).not.toBe(newRequestId(1, new Uint8Array(10).fill(1, 9)));
});

test.each([
  [-1, 10],
  [1.5, 10],
  [2 ** 48, 10],
  [Number.NaN, 10],
  [1, 9],
])("time %d with %d random bytes is refused", (nowMs, length) => {
  expect(() => newRequestId(nowMs, new Uint8Array(length))).toThrow(RangeError);
});
