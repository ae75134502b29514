import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event } from "@countersign/rpc";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EventWriter } from "./event-writer.ts";
import { Results } from "./results.ts";

let folder: string;
const key = Buffer.alloc(32, 7);
const nowMs = Date.now();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-results-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const results = () => new Results({ folder, key, capBytes: 1000, keepMs: 60_000, now: () => nowMs });

async function replayed(of: Results, id: string, ended: number, after: number): Promise<Event[]> {
  const events: Event[] = [];
  const writer = new EventWriter(
    { send: (some) => void events.push(...some), signal: new AbortController().signal },
    id,
    () => nowMs,
  );
  await of.replay(id, ended, after, writer);
  await writer.flush();
  return events;
}

async function keep(of: Results, id: string): Promise<void> {
  const writer = of.create(id);
  await writer.add({ type: "columns", columns: [{ name: "id", typeOid: 23, typeModifier: -1 }] });
  await writer.add({ type: "rows", data: Buffer.from("first secret row"), count: 1 });
  await writer.add({ type: "rows", data: Buffer.from("second secret row"), count: 1 });
  await writer.finish(undefined);
}

test("what was kept is replayed with the numbers it would have had live", async () => {
  await keep(results(), "req_1");
  const events = await replayed(results(), "req_1", 7, 0);
  expect(events.map((event) => [event.sequence, event.event?.$case])).toEqual([
    [4, "columns"],
    [5, "rows"],
    [6, "rows"],
  ]);
  expect((await replayed(results(), "req_1", 7, 5)).map((event) => event.sequence)).toEqual([6]);
});

test("nothing of a result can be read on the disk", async () => {
  await keep(results(), "req_1");
  for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes("secret")).toBe(false);
});

test("a result moved to another request, or with its frames changed, is not given out", async () => {
  await keep(results(), "req_1");
  const bytes = readFileSync(join(folder, "req_1"));
  writeFileSync(join(folder, "req_2"), bytes);
  await expect(replayed(results(), "req_2", 7, 0)).rejects.toThrow();
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(join(folder, "req_1"), bytes);
  await expect(replayed(results(), "req_1", 7, 0)).rejects.toThrow();
});

test("results are removed when their time is over, and not before", async () => {
  await keep(results(), "req_old");
  await keep(results(), "req_new");
  utimesSync(join(folder, "req_old"), new Date(nowMs - 61_000), new Date(nowMs - 61_000));
  await results().sweep();
  expect(readdirSync(folder)).toEqual(["req_new"]);
});

test("a result that is not kept gives nothing", async () => {
  expect(await replayed(results(), "req_none", 3, 0)).toEqual([]);
});
