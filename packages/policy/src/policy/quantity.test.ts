import { expect, test } from "vitest";
import { parseBytes, parseDuration } from "./quantity.ts";

test.each([
  ["10MB", 10_000_000],
  ["1kB", 1000],
  ["512KiB", 524_288],
  ["2 GiB", 2_147_483_648],
  ["7B", 7],
  [123, 123],
])("%s is %d bytes", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each([
  "",
  "MB",
  "10",
  "1.5MB",
  "-1MB",
  "10mb",
  "0MB",
  "1e3B",
  "10MBB",
  "999999999999999GB",
  "1constructor",
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
])("%s is no size", (text) => {
  expect(parseBytes(text)).toBeUndefined();
});

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["2d", 172_800_000],
])("%s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "s", "1.5s", "-1s", "0s", "5 s", "1h 30m", "5x", "5S", "5ss", "1htoString"])("%s is no duration", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
