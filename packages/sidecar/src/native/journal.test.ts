import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Allow, PostgresQuery } from "@countersign/policy";
import { expect, test } from "vitest";
import { JournalWorld } from "./testing-journal.ts";

const reads: Allow = { effect: "allow", rules: ["reads"], policyDigest: "sha256:1", role: "reader", limits: { rows: 10 } };
const query = (statement: string, ...texts: string[]): PostgresQuery => ({
  kind: "postgres.query",
  statement,
  parameters: texts.map((text) => ({ text })),
});
const select = (n: number) => ({ operation: query(`select ${n}`), decision: reads, readOnly: true });
const done = { state: "succeeded", rows: 1, bytes: 9, durationMs: 0.5 } as const;

test("what one connection is allowed shares a record that says everything of it once", async () => {
  await using world = await JournalWorld.open();
  const alice = world.journal.passages(world.connection("c1"));
  for (const n of [1, 2, 1]) alice.begin(select(n)).end(done);
  const insert = { operation: query("select $1", "s3cret"), decision: reads, readOnly: true };
  alice.begin(insert).end({ ...done, state: "failed", targetCode: "22012", commandTag: "SELECT" });
  await alice.close();

  expect(world.statements()).toHaveLength(1);
  const [{ detail, payload, ...record } = expect.fail("no record")] = world.statements();
  expect(record).toMatchObject({ type: "statements", resource: "db", policy: "sha256:1", principal: { subject: "agent" } });
  expect(detail).toMatchObject({
    ...{ part: 1, effect: "allow", rules: ["reads"], role: "reader", limits: { rows: 10 }, readOnly: true, connection: "c1" },
    ...{ target: { type: "postgres", address: "db/reader" }, count: 4, succeeded: 3, failed: 1, unknown: 0, running: 0 },
    ...{ rows: 4, bytes: 36 },
  });
  expect(JSON.stringify(detail)).not.toContain("select");
  expect(payload.operations).toEqual([
    { kind: "postgres.query", statement: "select 1" },
    { kind: "postgres.query", statement: "select 2" },
    { kind: "postgres.query", statement: "select $1" },
  ]);
  expect(payload.passages.map(([n, operation]) => [n, operation])).toEqual([0, 1, 2, 3].map((n) => [n, [0, 1, 0, 2][n]]));
  expect(payload.passages[3]?.slice(3)).toEqual([0.5, 1, 9, "failed", [{ text: "s3cret" }], "22012", "SELECT"]);
});

test.each<[string, Partial<Allow>, boolean]>([
  ["policy", { policyDigest: "sha256:2" }, true],
  ["rules", { rules: ["others"] }, true],
  ["role", { role: "writer" }, true],
  ["limits", { limits: { rows: 11 } }, true],
  ["limits", { limits: {} }, true],
  ["limits", { limits: { rows: 10, masks: ["public.people.ssn"] } }, true],
  ["readOnly", {}, false],
])("another %s is another record", async (_what, other, readOnly) => {
  await using world = await JournalWorld.open();
  const alice = world.journal.passages(world.connection("c1"));
  alice.begin(select(1)).end(done);
  alice.begin({ ...select(2), decision: { ...reads, ...other }, readOnly }).end(done);
  alice.begin(select(3)).end(done);
  await alice.close();
  expect(world.statements().map(({ detail }) => detail.count)).toEqual(expect.arrayContaining([2, 1]));
  for (const { detail, policy, payload } of world.statements()) {
    if (payload.operations.length > 1) expect([policy, detail.rules, detail.role]).toEqual(["sha256:1", ["reads"], "reader"]);
  }
});

test("terms of an operation that are not its text are kept: types, settings, a transaction", async () => {
  await using world = await JournalWorld.open();
  const alice = world.journal.passages(world.connection("c1"));
  const variants: Partial<PostgresQuery>[] = [
    { types: [23] },
    { types: [25] },
    { connection: { id: "c1" } },
    { connection: { id: "c1", inTransaction: true } },
    { connection: { id: "c1", settings: { DateStyle: "SQL, DMY" } } },
    { input: { text: "1\n" } },
    { runs: ["select 2"] },
    { runs: ["select 3"] },
  ];
  for (const one of variants) alice.begin({ ...select(1), operation: { ...query("select 1"), ...one } }).end(done);
  await alice.close();
  const [{ payload } = expect.fail("no record")] = world.statements();
  expect(payload.operations.map(({ kind: _, statement: __, ...rest }) => rest)).toEqual([
    { types: [23] },
    { types: [25] },
    {},
    { connection: { inTransaction: true } },
    { connection: { settings: { DateStyle: "SQL, DMY" } } },
    { input: { text: "1\n" } },
    { runs: ["select 2"] },
    { runs: ["select 3"] },
  ]);
});

test("values are recorded as they were, whatever is in them", async () => {
  await using world = await JournalWorld.open();
  const alice = world.journal.passages(world.connection("c1"));
  const texts = ["", "7", " !#$[]~", '"', "\\", "a\nb", "\u0000", "\u007f", "ä€😀", "\ud800", "x".repeat(65)];
  const parameters = [...texts.map((text) => ({ text })), null, { binary: "AAE" }];
  alice.begin({ ...select(1), operation: { ...query("select $1"), parameters } }).end(done);
  await alice.close();
  expect(world.statements()[0]?.payload.passages[0]?.[7]).toEqual(parameters);
});

test("a record is bounded in count, in bytes and in time", async () => {
  await using world = await JournalWorld.open({ bounds: { count: 10, bytes: 2_000, ageMs: 50, tickMs: 10 } });
  const counted = world.journal.passages(world.connection("count"));
  for (let n = 0; n < 25; n++) counted.begin(select(1)).end(done);
  const large = world.journal.passages(world.connection("bytes"));
  for (let n = 0; n < 4; n++) large.begin({ ...select(n), operation: query(`select '${"x".repeat(1_100)}${n}'`) }).end(done);
  const timed = world.journal.passages(world.connection("time"));
  timed.begin(select(1)).end(done);
  await expect.poll(() => world.statements().length).toBe(3 + 2 + 1);
  expect(world.countsOf("count")).toEqual([10, 10, 5]);
  expect(world.countsOf("bytes")).toEqual([2, 2]);
  expect(world.countsOf("time")).toEqual([1]);
});

test("nothing is told to go before it is with the operating system; a turn of many is two writes, the first one at once", async () => {
  await using world = await JournalWorld.open();
  const before = world.fileSize();
  const connections = [1, 2, 3, 4].map((n) => world.journal.passages(world.connection(`c${n}`)));
  const told: number[] = [];
  const sizes: number[] = [];
  for (const [n, one] of connections.entries()) {
    expect(one.begin(select(n)).ready).toBeUndefined();
    const flushed = () => {
      told.push(n);
      sizes.push(world.fileSize());
    };
    world.journal.afterFlush({ flushed, refused: (error) => expect.fail(error.message) });
  }
  expect(told).toEqual([0]);
  expect(sizes[0]).toBeGreaterThan(before);
  expect(world.frames()).toBe(1);
  await sleep(5);
  expect(told).toEqual([0, 1, 2, 3]);
  expect(world.frames()).toBe(2);
  expect(sizes.slice(1)).toEqual([world.fileSize(), world.fileSize(), world.fileSize()]);
  expect(sizes[1]).toBeGreaterThan(sizes[0] ?? 0);
});

test("where turns are crowded, all of the next one is one write; after a quiet one the first goes at once again", async () => {
  await using world = await JournalWorld.open();
  const passages = world.journal.passages(world.connection("c"));
  let told = 0;
  const turn = async (count: number): Promise<{ readonly atOnce: number; readonly frames: number }> => {
    const [toldBefore, framesBefore] = [told, world.frames()];
    for (let n = 0; n < count; n++) {
      passages.begin(select(n));
      world.journal.afterFlush({ flushed: () => told++, refused: (error) => expect.fail(error.message) });
    }
    const atOnce = told - toldBefore;
    await sleep(5);
    expect(told - toldBefore).toBe(count);
    return { atOnce, frames: world.frames() - framesBefore };
  };
  expect(await turn(4)).toEqual({ atOnce: 1, frames: 2 });
  expect(await turn(4)).toEqual({ atOnce: 0, frames: 1 });
  expect(await turn(1)).toEqual({ atOnce: 0, frames: 1 });
  expect(await turn(1)).toEqual({ atOnce: 1, frames: 1 });
});

test("what may write waits for the disk, and so does everything when the audit is strict", async () => {
  for (const [strict, readOnly] of [
    [false, false],
    [true, true],
  ] as const) {
    await using world = await JournalWorld.open({ strict });
    const { ready } = world.journal.passages(world.connection("c1")).begin({ ...select(1), readOnly });
    expect(ready).toBeInstanceOf(Promise);
    await ready;
    expect(world.frames()).toBe(1);
  }
});

test("no statement and no bind value is in the files in clear", async () => {
  await using world = await JournalWorld.open();
  const passage = world.journal.passages(world.connection("c1"));
  passage.begin({ ...select(1), operation: query("select 'hidden-text', $1", "hidden-value") });
  await world.flushed();
  for (const file of readdirSync(world.folder)) {
    const bytes = readFileSync(join(world.folder, file));
    expect(bytes.length).toBeGreaterThan(100);
    expect(bytes.includes("hidden")).toBe(false);
  }
});

test("a passage that runs for long does not keep the others out of the log; its end is in the second part", async () => {
  await using world = await JournalWorld.open({ bounds: { ageMs: 20, lingerMs: 40, tickMs: 5 } });
  const alice = world.journal.passages(world.connection("c1"));
  alice.begin(select(1)).end(done);
  const long = alice.begin({ ...select(2), operation: query("select pg_sleep($1)", "600") });
  await expect.poll(() => world.statements().length).toBe(1);
  expect(world.statements()[0]?.detail).toMatchObject({ part: 1, count: 2, succeeded: 1, running: 1 });
  await sleep(60);
  long.end({ ...done, rows: 7 });
  await alice.close();
  const [first, second] = world.statements();
  expect(second?.request).toBe(first?.request);
  expect(second?.detail).toMatchObject({ part: 2, count: 1, succeeded: 1, running: 0, rows: 7 });
  expect(second?.payload.operations).toEqual([{ kind: "postgres.query", statement: "select pg_sleep($1)" }]);
  expect(second?.payload.passages[0]).toMatchObject([1, 0, expect.any(Number), 0.5, 7, 9, "succeeded", [{ text: "600" }]]);
  expect(world.statements()).toHaveLength(2);
});

test("an end is heard once; a connection that ends leaves in doubt what had none", async () => {
  await using world = await JournalWorld.open();
  const alice = world.journal.passages(world.connection("c1"));
  const first = alice.begin(select(1));
  first.end(done);
  first.end({ ...done, state: "failed" });
  const second = alice.begin(select(2));
  await alice.close();
  second.end(done);
  expect(world.statements().map(({ detail }) => detail)).toMatchObject([{ count: 2, succeeded: 1, failed: 0, unknown: 1 }]);
});

test("segments follow each other, and those that nothing needs any more are removed", async () => {
  await using world = await JournalWorld.open({ bounds: { segmentBytes: 4_000, ageMs: 20, tickMs: 5, lingerMs: 30 } });
  const alice = world.journal.passages(world.connection("c1"));
  const long = world.journal.passages(world.connection("c2")).begin(select(7));
  let most = 0;
  for (let n = 0; n < 200; n++) {
    alice.begin({ ...select(n), operation: query(`select '${"y".repeat(500)}'`) }).end(done);
    await world.flushed();
    if (n % 20 === 0) await sleep(10);
    most = Math.max(most, readdirSync(world.folder).length);
  }
  await expect.poll(() => readdirSync(world.folder).length).toBeLessThanOrEqual(6);
  expect(most).toBeLessThan(20);
  long.end(done);
  await world.journal.close();
  expect(readdirSync(world.folder)).toEqual([]);
  expect(world.total("count")).toBe(202);
  expect(world.total("running")).toBe(1);
});

test("a file that somebody else left in the folder is not touched", async () => {
  await using world = await JournalWorld.open();
  writeFileSync(join(world.folder, "notes.txt"), "mine");
  await world.journal.close();
  expect(readdirSync(world.folder)).toEqual(["notes.txt"]);
});
