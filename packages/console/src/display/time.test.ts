import { expect, test } from "vitest";
import { ago, countdown, duration, plural } from "./time.ts";

test.each([
  [-5, "0:00"],
  [1, "0:01"],
  [61_000, "1:01"],
  [3_599_000, "59:59"],
  [3_600_000, "1 h 00 min"],
  [26 * 3_600_000, "1 d 2 h"],
])("countdown of %d ms is %s", (ms, text) => {
  expect(countdown(ms)).toBe(text);
});

test.each([
  [0, "0 ms"],
  [850, "850 ms"],
  [1_000, "1 second"],
  [1_449, "1.4 s"],
  [59_999, "59.9 s"],
  [300_000, "5 minutes"],
  [5_400_000, "1 hour 30 minutes"],
  [86_400_000 + 60_000, "1 day"],
])("duration of %d ms is %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test("ago is coarse", () => {
  expect([0, 60_000, 7_200_000, 200_000_000].map(ago)).toEqual(["just now", "1 min ago", "2 h ago", "2 d ago"]);
});

test("plural", () => {
  expect([plural(0, "row"), plural(1, "row"), plural(1_000, "row")]).toEqual(["0 rows", "1 row", "1,000 rows"]);
});
