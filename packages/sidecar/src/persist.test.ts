import { expect, test, vi } from "vitest";
import { Persistence } from "./persist.ts";

test("a step that is done is not done again when a later one fails", async () => {
  await using persistence = new Persistence();
  let failures = 2;
  const record = vi.fn(async () => {});
  const settle = vi.fn(async () => {
    if (failures-- > 0) throw new Error("the store is busy");
  });
  const tell = vi.fn(async () => {});
  await persistence.attempt(record, settle, tell);
  expect([record, settle, tell].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 0]);
  await vi.waitFor(() => expect(tell).toHaveBeenCalledOnce(), 3_000);
  expect([record, settle, tell].map(({ mock }) => mock.calls.length)).toEqual([1, 3, 1]);
});

test("stops when it is disposed of, and waits for the step that is at work", async () => {
  const persistence = new Persistence();
  let ended = false;
  const trying = persistence.attempt(async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    ended = true;
    throw new Error("stopped");
  });
  await persistence[Symbol.asyncDispose]();
  expect(ended).toBe(true);
  await trying;
});
