import { setTimeout as sleep } from "node:timers/promises";
import type { Failure } from "@countersign/policy";
import { expect, test } from "vitest";
import { Stop } from "./stop.ts";

const failure = (message: string): Failure => ({ code: "cancelled", message, retryable: false });
const failures = { cancelled: () => failure("cancelled"), late: (ms: number) => failure(`late ${ms}`) };
const full = failure("full");

async function isSettled(promise: Promise<void>): Promise<boolean> {
  return await Promise.race([promise.then(() => true), sleep(1, false)]);
}

test("the first reason counts, and is heard in its turn by whoever waits, by signal and by call", async () => {
  using stop = new Stop(new AbortController().signal, failures);
  const heard: string[] = [];
  stop.heardBy(() => heard.push("called"));
  stop.signal.addEventListener("abort", () => heard.push("aborted"));
  const waiting = stop.orAsked(new Promise(() => {}));
  stop.request(full);
  expect([stop.reason, heard.toSorted()]).toEqual([full, ["aborted", "called"]]);
  await waiting;
  stop.request(failure("later"));
  stop.abandon(failure("later still"));
  expect([stop.reason, heard.length]).toEqual([full, 2]);
});

test("who comes late hears it at once", async () => {
  const gone = AbortSignal.abort();
  using stop = new Stop(gone, failures);
  let calls = 0;
  stop.heardBy(() => calls++);
  expect([stop.reason?.message, stop.signal.aborted, calls]).toEqual(["cancelled", true, 1]);
  await stop.orAsked(new Promise(() => {}));
  await stop.abandoned;
});

test("after a limit what is below it is still waited for; the caller and the clock want nothing more", async () => {
  const caller = new AbortController();
  using stop = new Stop(caller.signal, failures);
  const { abandoned } = stop;
  stop.request(full);
  expect(await isSettled(abandoned)).toBe(false);
  caller.abort();
  await abandoned;
  expect(stop.reason).toBe(full);
  using timed = new Stop(new AbortController().signal, failures);
  timed.after(5, 5);
  await timed.abandoned;
  expect(timed.reason?.message).toBe("late 5");
});

test("what is waited for fails as it fails", async () => {
  using stop = new Stop(new AbortController().signal, failures);
  await expect(stop.orAsked(Promise.reject(new Error("gone")))).rejects.toThrow("gone");
  await stop.orAsked(Promise.resolve());
  expect(stop.reason).toBeUndefined();
});

test("sealed, nobody hears it and no clock ticks; disposed, the caller's signal holds nothing of it", async () => {
  const caller = new AbortController();
  const stop = new Stop(caller.signal, failures);
  let calls = 0;
  stop.heardBy(() => calls++);
  stop.after(1, 0);
  stop.seal();
  await sleep(5);
  stop.request(full);
  expect([calls, stop.reason]).toEqual([0, full]);
  const other = new Stop(caller.signal, failures);
  other[Symbol.dispose]();
  caller.abort();
  expect(other.reason).toBeUndefined();
});
