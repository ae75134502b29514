import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { merged } from "./merged.ts";

type Source = (signal: AbortSignal) => AsyncGenerator<string>;

const counting = (name: string, to: number, made: string[] = []): Source =>
  async function* () {
    for (let index = 1; index <= to; index++) {
      made.push(`${name}${index}`);
      yield `${name}${index}`;
    }
  };

const silent: Source = async function* (signal) {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
};

const never = new AbortController().signal;

async function all(sources: Source[], signal = never): Promise<string[]> {
  const found: string[] = [];
  for await (const value of merged(sources, signal)) found.push(value);
  return found;
}

test("everything of all sources comes, each source's own in its order", async () => {
  const found = await all([counting("a", 50), counting("b", 3)]);
  expect(found).toHaveLength(53);
  expect(found.filter((value) => value.startsWith("b"))).toEqual(["b1", "b2", "b3"]);
  expect(await all([])).toEqual([]);
});

test("a reader that takes its time holds up every source: at most one value of each waits", async () => {
  const made: string[] = [];
  const reader = merged([counting("a", 100, made), counting("b", 100, made)], never);
  await reader.next();
  await sleep(20);
  expect(made.length).toBeLessThanOrEqual(4);
  await reader.return(undefined);
});

test("leaving ends the silent ones; an abort ends all", async () => {
  for await (const value of merged([counting("a", 1), silent], never)) {
    expect(value).toBe("a1");
    break;
  }
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  expect(await all([counting("a", 2), silent], stop.signal)).toEqual(["a1", "a2"]);
});

test("the failure of one is the failure of all", async () => {
  const failing: Source = async function* () {
    yield "f1";
    throw new Error("broken");
  };
  await expect(all([failing, silent].slice(0, 1))).rejects.toThrow("broken");
  await expect(all([failing, silent])).rejects.toThrow("broken");
});
