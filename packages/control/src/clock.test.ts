import { expect, test } from "vitest";
import { ManualClock } from "../fixtures/manual-clock.ts";
import { steadyTime } from "./clock.ts";

test("steady time follows jumps ahead, ignores jumps back, and goes on in between", () => {
  const clock = new ManualClock(1_000_000);
  const now = steadyTime(clock);
  clock.pass(10);
  expect(now()).toBe(1_000_010);
  clock.step(-500_000);
  expect(now()).toBe(1_000_010);
  clock.pass(10);
  expect(now()).toBe(1_000_020);
  clock.step(600_000);
  expect(now()).toBe(1_100_020);
  clock.pass(5);
  expect(now()).toBe(1_100_025);
});
