import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Allow } from "@countersign/policy";
import { describe, expect, test } from "vitest";
import { JournalWorld } from "./testing-journal.ts";

const reads: Allow = { effect: "allow", rules: ["reads"], policyDigest: "sha256:1", role: "reader", limits: {} };
const select = (n: number) => ({
  operation: { kind: "postgres.query" as const, statement: `select ${n}`, parameters: [{ text: String(n) }] },
  decision: reads,
  readOnly: true,
});
const done = { state: "succeeded", rows: 1, bytes: 9, durationMs: 0.5, commandTag: "SELECT 1" } as const;

/** The statements in the log with their states, over all records. */
function logged(world: JournalWorld): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { payload } of world.statements()) {
    for (const row of payload.passages) {
      const statement = payload.operations[Number(row[1])]?.statement ?? "?";
      found[statement] = [...(found[statement] ?? []), String(row[6])];
    }
  }
  return found;
}

describe("au-crash: what was noted by a process that died", () => {
  test("is in the log exactly once; what has no end is unknown", async () => {
    await using world = await JournalWorld.open();
    const alice = world.journal.passages(world.connection("c1"));
    const bob = world.journal.passages(world.connection("c2"));
    alice.begin(select(1)).end(done);
    alice.begin(select(2));
    bob.begin(select(3)).end({ ...done, state: "failed", targetCode: "22012" });
    await world.flushed();
    await world.restart();
    expect(logged(world)).toEqual({ "select 1": ["succeeded"], "select 2": ["unknown"], "select 3": ["failed"] });
    expect(world.statements().map(({ detail }) => detail)).toMatchObject([
      { recovered: true, connection: "c1", count: 2, unknown: 1, rows: 1 },
      { recovered: true, connection: "c2", count: 1, failed: 1 },
    ]);
    expect(world.statements()[0]?.payload).toMatchObject({
      session: "psql",
      passages: [
        [0, 0, expect.any(Number), 0.5, 1, 9, "succeeded", [{ text: "1" }], null, "SELECT 1"],
        [1, 1, expect.any(Number), 0, 0, 0, "unknown", [{ text: "2" }]],
      ],
    });
    await world.restart();
    expect(world.total("count")).toBe(3);
    expect(world.files()).toHaveLength(1);
  });

  test("is not recorded again when it died between the record and the removal of the segment", async () => {
    await using world = await JournalWorld.open({ bounds: { ageMs: 10, tickMs: 5 } });
    world.fault = "killed";
    world.journal.passages(world.connection("c1")).begin(select(1)).end(done);
    await world.flushed();
    await expect.poll(() => world.statements().length).toBe(1);
    world.fault = "none";
    await world.restart();
    await world.restart();
    expect(logged(world)).toEqual({ "select 1": ["succeeded"] });
  });

  test("is recorded once in two parts, wherever between them it died", async () => {
    for (const at of ["before the first part", "after the first part", "after its end"]) {
      await using world = await JournalWorld.open({ bounds: { ageMs: 10, lingerMs: 20, tickMs: 5 } });
      world.fault = at === "before the first part" ? "refused" : "none";
      const alice = world.journal.passages(world.connection("c1"));
      alice.begin(select(1)).end(done);
      const long = alice.begin(select(2));
      await world.flushed();
      if (at === "before the first part") await sleep(60);
      else await expect.poll(() => world.statements().length).toBe(1);
      if (at === "after its end") {
        world.fault = "refused";
        long.end(done);
        await sleep(20);
      }
      world.fault = "none";
      await world.restart({ bounds: {} });
      const states = at === "after its end" ? ["running", "succeeded"] : ["running", "unknown"];
      expect(logged(world), at).toEqual({ "select 1": ["succeeded"], "select 2": states });
    }
  });

  test("survives that the log cannot be written at the start: nothing is removed, and nothing starts", async () => {
    await using world = await JournalWorld.open();
    world.journal.passages(world.connection("c1")).begin(select(1));
    await world.flushed();
    const files = world.files();
    world.fault = "refused";
    await expect(world.restart()).rejects.toMatchObject({ code: "unavailable" });
    expect(world.files()).toEqual(files);
    world.fault = "none";
    await world.restart();
    expect(logged(world)).toEqual({ "select 1": ["unknown"] });
  });

  test("ends where a write was cut off; at every byte of it, what came before is recorded", async () => {
    await using world = await JournalWorld.open();
    const alice = world.journal.passages(world.connection("c1"));
    alice.begin(select(1)).end(done);
    await world.flushed();
    const [before, [file = ""]] = [world.fileSize(), world.files()];
    alice.begin(select(2));
    await world.flushed();
    const bytes = readFileSync(join(world.folder, file));
    for (let size = before; size < bytes.length; size++) {
      await using cut = await JournalWorld.open();
      await cut.journal.close();
      writeFileSync(join(cut.folder, file), bytes);
      truncateSync(join(cut.folder, file), size);
      await cut.restart();
      expect(logged(cut), `${size} bytes`).toEqual({ "select 1": ["succeeded"] });
      expect(cut.errors).toEqual([]);
    }
  });

  test("is kept aside where it cannot be read, and the log says so", async () => {
    await using world = await JournalWorld.open();
    const alice = world.journal.passages(world.connection("c1"));
    alice.begin(select(1)).end(done);
    await world.flushed();
    const [before, [file = ""]] = [world.fileSize(), world.files()];
    alice.begin(select(2));
    await world.flushed();
    const bytes = readFileSync(join(world.folder, file));
    bytes.fill(0, before + 10);
    writeFileSync(join(world.folder, file), bytes);
    await world.restart();
    expect(logged(world)).toEqual({ "select 1": ["succeeded"] });
    const unreadable = bytes.length - before;
    expect(world.drafts.at(-1)).toMatchObject({ type: "statements", detail: { recovered: true, unreadable } });
    expect(readdirSync(world.folder)).toContain(`${file}.damaged`);
    expect(world.errors).toHaveLength(1);
  });

  test("cannot be moved to another file or place", async () => {
    await using world = await JournalWorld.open();
    const alice = world.journal.passages(world.connection("c1"));
    alice.begin(select(1)).end(done);
    await world.flushed();
    const [file = ""] = world.files();
    const bytes = readFileSync(join(world.folder, file));
    await world.journal.close();
    writeFileSync(join(world.folder, file.replace("-00000001", "-00000002")), bytes);
    const drafts = world.drafts.length;
    await world.restart();
    expect(world.drafts.slice(drafts)).toMatchObject([{ detail: { unreadable: expect.any(Number) } }]);
  });
});
