import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Redeciding } from "./redeciding.ts";

/** Keeps the processor busy. */
function work(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
}

/** How much of the processor the longest turn of the event loop takes while something happens, milliseconds. */
async function longestTurn(happens: Promise<unknown>): Promise<number> {
  let [longest, over] = [0, false];
  void happens.finally(() => (over = true));
  for (let last = process.threadCpuUsage(); !over; ) {
    await nextTurn();
    const now = process.threadCpuUsage();
    longest = Math.max(longest, (now.user + now.system - last.user - last.system) / 1e3);
    last = now;
  }
  return longest;
}

test("10,000 are asked about, each once, a few at a time, and nobody waits for 50 ms meanwhile", async () => {
  const asked = new Map<number, number>();
  let [now, most] = [0, 0];
  const { promise, resolve } = Promise.withResolvers<void>();
  const redeciding = new Redeciding<number>(async (one) => {
    most = Math.max(most, ++now);
    work(0.1);
    // As a decision does: it waits, but for nothing that takes a turn.
    await Promise.resolve();
    asked.set(one, (asked.get(one) ?? 0) + 1);
    now--;
    if (asked.size === 10_000) resolve();
  });
  for (let one = 0; one < 10_000; one++) redeciding.add(one);
  expect(asked.size).toBe(0);
  expect(await longestTurn(promise)).toBeLessThan(50);
  expect(new Set(asked.values())).toEqual(new Set([1]));
  expect(most).toBeLessThanOrEqual(8);
});

test("whoever is added while it waits is asked about once, and again when it is added later", async () => {
  const asked: string[] = [];
  const redeciding = new Redeciding<string>(async (one) => void asked.push(one));
  redeciding.add("a");
  redeciding.add("a");
  await sleep(20);
  expect(asked).toEqual(["a"]);
  redeciding.add("a");
  await sleep(20);
  expect(asked).toEqual(["a", "a"]);
});

test("after the close nothing begins, and what has begun is waited for", async () => {
  const asked: number[] = [];
  const { promise: may, resolve: go } = Promise.withResolvers<void>();
  let ended = 0;
  const redeciding = new Redeciding<number>(async (one) => {
    asked.push(one);
    await may;
    ended++;
  });
  for (let one = 0; one < 100; one++) redeciding.add(one);
  await sleep(20);
  const closing = redeciding.close();
  redeciding.add(1000);
  go();
  await closing;
  expect(asked).toHaveLength(8);
  expect(ended).toBe(8);
});
