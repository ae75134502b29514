import { setTimeout as sleep } from "node:timers/promises";
import type { Allow } from "@countersign/policy";
import { describe, expect, test } from "vitest";
import type { Passage } from "./passage.ts";
import { JournalWorld } from "./testing-journal.ts";

const reads: Allow = { effect: "allow", rules: ["reads"], policyDigest: "sha256:1", role: "reader", limits: {} };
const select = (n: number, readOnly = true) => ({
  operation: { kind: "postgres.query" as const, statement: `select ${n}`, parameters: [] },
  decision: reads,
  readOnly,
});
const done = { state: "succeeded", rows: 1, bytes: 9, durationMs: 0.5 } as const;

describe("au-fail: what cannot be noted or recorded is not sent", () => {
  test.each(["full", "cut"] as const)(
    "a journal's disk that is %s: what waits for it and what comes after is refused, until it can be written again",
    async (fault) => {
      await using world = await JournalWorld.open();
      const alice = world.journal.passages(world.connection("c1"));
      const running = alice.begin(select(1));
      await world.flushed();
      world.diskFault = fault;
      const read = alice.begin(select(2));
      const write = alice.begin(select(3, false));
      await expect(world.flushed()).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("nothing is run"),
      });
      await expect(write.ready).rejects.toMatchObject({ code: "unavailable" });
      expect(() => alice.begin(select(4))).toThrow(expect.objectContaining({ code: "unavailable" }));
      // What was sent before may end meanwhile.
      running.end(done);
      read.end(done);
      await sleep(300);
      expect(() => alice.begin(select(5))).toThrow(expect.objectContaining({ code: "unavailable" }));

      world.diskFault = "none";
      await expect.poll(() => begins(() => alice.begin(select(6)).end(done)), { timeout: 5_000 }).toBe(true);
      await world.flushed();
      await expect.poll(() => world.files().length).toBe(1);
      // Killed now, the log still hears all of it.
      await world.restart();
      const rows = world
        .statements()
        .flatMap(({ payload }) => payload.passages.map((row) => [payload.operations[Number(row[1])]?.statement, row[6]]));
      expect(rows.toSorted()).toEqual([
        ["select 1", "succeeded"],
        ["select 2", "unsent"],
        ["select 3", "unsent"],
        ["select 6", "succeeded"],
      ]);
    },
  );

  test("a disk that does not take what was written refuses what waits for it", async () => {
    await using world = await JournalWorld.open();
    const alice = world.journal.passages(world.connection("c1"));
    const write = alice.begin(select(1, false));
    world.diskFault = "unsynced";
    await expect(write.ready).rejects.toMatchObject({ code: "unavailable" });
    world.diskFault = "none";
    expect(() => alice.begin(select(2))).toThrow(expect.objectContaining({ code: "unavailable" }));
    await expect.poll(() => begins(() => alice.begin(select(3)).end(done)), { timeout: 5_000 }).toBe(true);
    await alice.close();
    expect(
      world
        .statements()
        .flatMap(({ payload }) => payload.passages.map((row) => row[6]))
        .toSorted(),
    ).toEqual(["succeeded", "unsent"]);
  });

  test("a log that cannot be written stops what comes after; what was sent is recorded once when it can", async () => {
    for (const fault of ["refused", "stored"] as const) {
      await using world = await JournalWorld.open({ bounds: { ageMs: 10, tickMs: 5 } });
      world.fault = fault;
      const alice = world.journal.passages(world.connection("c1"));
      alice.begin(select(1)).end(done);
      await expect.poll(() => begins(() => alice.begin(select(2)).end(done))).toBe(false);
      const before = world.total("count");
      world.fault = "none";
      await expect.poll(() => begins(() => alice.begin(select(3)).end(done)), { timeout: 5_000 }).toBe(true);
      await alice.close();
      const rows = world
        .statements()
        .flatMap(({ payload }) => payload.passages.map((row) => payload.operations[Number(row[1])]?.statement));
      expect(rows.filter((one) => one === "select 1")).toHaveLength(1);
      expect(rows.at(-1)).toBe("select 3");
      expect(before > 0).toBe(fault === "stored");
    }
  });

  test("more than the log takes waits, and much more is refused", async () => {
    await using world = await JournalWorld.open({ bounds: { memoryBytes: 100_000, tickMs: 5 } });
    world.fault = "refused";
    const alice = world.journal.passages(world.connection("c1"));
    const large = { ...select(1), operation: { ...select(1).operation, statement: `select '${"x".repeat(30_000)}'` } };
    expect(alice.begin(large).ready).toBeUndefined();
    const passages: Passage[] = [];
    let waiting = 0;
    expect(() => {
      for (let n = 0; n < 100; n++) {
        const other = { ...large, operation: { ...large.operation, statement: `${large.operation.statement} + ${n}` } };
        const passage = alice.begin(other);
        passages.push(passage);
        if (passage.ready !== undefined) waiting++;
      }
    }).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(waiting).toBeGreaterThan(0);
    expect(passages.length).toBeLessThan(10);
    let released = false;
    void passages.at(-1)?.ready?.then(() => (released = true));
    await sleep(30);
    expect(released).toBe(false);
    for (const passage of passages) passage.end(done);
    world.fault = "none";
  });

  test("a closed journal notes nothing", async () => {
    await using world = await JournalWorld.open();
    const alice = world.journal.passages(world.connection("c1"));
    await world.journal.close();
    expect(() => alice.begin(select(1))).toThrow(expect.objectContaining({ code: "unavailable" }));
  });

  test("what the log does not take before the end is left for the next start", async () => {
    await using world = await JournalWorld.open();
    world.fault = "refused";
    world.journal.passages(world.connection("c1")).begin(select(1)).end(done);
    await world.journal.close();
    expect(world.files()).toHaveLength(1);
    world.fault = "none";
    await world.restart();
    expect(world.total("count")).toBe(1);
  });
});

/** Whether something may begin. */
function begins(begin: () => void): boolean {
  try {
    begin();
    return true;
  } catch {
    return false;
  }
}
