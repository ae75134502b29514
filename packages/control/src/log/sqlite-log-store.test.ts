import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LogReceipt, parseRecord, type RecordDraft, verifyLog, verifyReceipt } from "@countersign/audit";
import Sqlite from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { draft, file, folder, logKey, openOn, payloadKey, verifyFile } from "../../fixtures/log-file.ts";
import { openPayload } from "./payload.ts";
import { openSqliteLogSource } from "./sqlite-log-source.ts";
import { openSqliteLogStore, prepareDatabase, sqliteLogStore } from "./sqlite-log-store.ts";
import { openWalSync } from "./wal.ts";

function commitmentOf(receipt: LogReceipt | undefined): { hash: string; size: number } {
  return JSON.parse(Buffer.from(receipt?.record ?? []).toString()).payload;
}

/** Numbers in [0, 1), the same ones each time (mulberry32). */
function rand(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The tables of version 1. */
const SCHEMA_1 = `
  create table records (idx integer primary key, bytes blob not null, leaf blob not null, request text) strict;
  create index records_request on records (request) where request is not null;
  create table checkpoints (size integer primary key, note text not null) strict;
  create table tiles (level integer not null, idx integer not null, hashes blob not null, primary key (level, idx)) strict, without rowid;
  create table writers (writer text primary key, sequence integer not null, leaf blob not null) strict, without rowid;
  create table open_intents (request text primary key, writer text not null, idx integer not null) strict, without rowid;
  create table payloads (idx integer primary key, sealed blob not null) strict;
  pragma application_id = 0x43734175;
  pragma user_version = 1;
`;

describe("the log in a SQLite file", () => {
  it("is private to its user", async () => {
    const store = openSqliteLogStore(file);
    for (const name of ["audit.db", "audit.db-wal", "audit.db-shm"]) {
      expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    }
    await store.close();
  });

  it("goes on after it was closed, across tiles", async () => {
    let count = 0;
    for (const batch of [1, 254, 1, 1, 300, 66_000]) {
      const store = openSqliteLogStore(file);
      const log = await openOn(store);
      const drafts = Array.from({ length: batch }, (_, n) => draft("request", `req_${count + n}`));
      const receipts = await log.append("local", drafts, "durable");
      for (const receipt of [receipts[0], receipts.at(-1)]) expect(receipt && verifyReceipt(receipt, logKey)).toBeDefined();
      count += batch;
      await log.close();
      await store.close();
      expect(await verifyFile()).toMatchObject({ ok: true, size: count });
    }
  });

  it("finds the records of a request and the open intents of a writer", async () => {
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    await log.append("local", [draft("intent", "req_1"), draft("intent", "req_2"), draft("outcome", "req_1")], "durable");
    await log.append("other", [draft("intent", "req_3")], "durable");
    expect((await log.openIntents("local")).map(({ request }) => request)).toEqual(["req_2"]);
    expect((await log.recordsOf("req_1")).map((bytes) => Object(parseRecord(bytes)).type)).toEqual(["intent", "outcome"]);
    await store.close();
  });

  it("tells the open intents and the records of a request alike, wherever full tiles end and processes are restarted", async () => {
    const random = rand(7);
    // What is open, by a list that is kept in no other way than by walking over all records.
    const open: string[] = [];
    const recordsOf = new Map<string, number>();
    let requests = 0;
    const step = (): RecordDraft => {
      const place = Math.floor(random() * open.length);
      const kind = random();
      const request = kind < 0.45 || open.length === 0 ? `req_${requests++}` : (open[place] ?? "");
      const type = request === `req_${requests - 1}` || kind < 0.5 ? "intent" : "outcome";
      if (type === "outcome") open.splice(place, 1);
      else if (!open.includes(request)) open.push(request);
      recordsOf.set(request, (recordsOf.get(request) ?? 0) + 1);
      return draft(type, request);
    };
    for (const batches of [[3], [252, 2], [300, 1, 1], [40, 40, 700], Array.from({ length: 700 }, () => 1), [5], [200, 90]]) {
      const store = openSqliteLogStore(file);
      const log = await openOn(store);
      expect((await log.openIntents("local")).map(({ request }) => request)).toEqual(open);
      for (const batch of batches) await log.append("local", Array.from({ length: batch }, step), "handed-over");
      const intents = await log.openIntents("local");
      expect(intents.map(({ request }) => request)).toEqual(open);
      for (const { request, record } of intents) expect(parseRecord(record)).toMatchObject({ type: "intent", request });
      for (const [request, count] of recordsOf) expect((await log.recordsOf(request)).length, request).toBe(count);
      await store.close();
    }
  });

  it("knows no intent of a batch that failed, also when the batch filled a tile", async () => {
    const db = prepareDatabase(new Sqlite(file));
    const store = sqliteLogStore(db, openWalSync(db));
    const log = await openOn(store);
    await log.append("local", [draft("intent", "req_a"), draft("intent", "req_b")], "durable");
    db.pragma(`max_page_count = ${Number(db.pragma("page_count", { simple: true }))}`);
    const many = Array.from({ length: 300 }, (_, n) => draft("intent", `req_${n}`));
    await expect(log.append("local", [draft("outcome", "req_a"), ...many], "durable")).rejects.toMatchObject({
      code: "unavailable",
    });
    expect((await log.openIntents("local")).map(({ request }) => request)).toEqual(["req_a", "req_b"]);
    db.pragma("max_page_count = 100000");
    await log.append("local", [...many, draft("outcome", "req_b")], "durable");
    expect(await log.openIntents("local")).toHaveLength(301);
    await store.close();
    expect(await (await openOn(openSqliteLogStore(file))).openIntents("local")).toHaveLength(301);
  });

  it("finds the records of a request without going through the log", async () => {
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    const append = (from: number, count: number) =>
      log.append(
        "local",
        Array.from({ length: count }, (_, n) => draft("request", `req_${from + n}`)),
        "handed-over",
      );
    /** The quickest of several, milliseconds. */
    const quickest = async () => {
      const took: number[] = [];
      for (let round = 0; round < 30; round++) {
        const began = performance.now();
        expect(await store.recordsOf("req_7")).toHaveLength(1);
        took.push(performance.now() - began);
      }
      return Math.min(...took);
    };
    await append(0, 300);
    const small = await quickest();
    for (let from = 300; from < 30_300; from += 1000) await append(from, 1000);
    expect(await quickest()).toBeLessThan(20 * small);
    await store.close();
  });

  it("is brought from the first version of the schema to this one", async () => {
    const old = new Sqlite(file);
    old.exec(SCHEMA_1);
    old.close();
    cpSync(file, `${file}-old`);
    // A log as this version writes it, put into a file as the first version would have left it.
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    for (let n = 0; n < 300; n++)
      await log.append("local", [draft("intent", `req_${n}`), draft("outcome", `req_${n}`)], "durable");
    await log.append("local", [draft("intent", "req_x")], "durable");
    await log.append("control", [draft("lock", "lock_1"), draft("review", "req_1")], "durable");
    await store.close();
    const first = new Sqlite(`${file}-old`);
    first.prepare("attach ? as now").run(file);
    for (const table of ["records", "checkpoints", "tiles", "writers"]) {
      first.exec(`insert into main.${table} select * from now.${table}`);
    }
    first.exec("insert into open_intents values ('req_x', 'local', 600)");
    first.close();
    const again = openSqliteLogStore(`${file}-old`);
    const migrated = await openOn(again);
    expect((await migrated.openIntents("local")).map(({ request }) => request)).toEqual(["req_x"]);
    for (const request of ["req_0", "req_255", "req_256", "req_299"]) {
      expect(await migrated.recordsOf(request), request).toHaveLength(2);
    }
    await migrated.append("local", [draft("outcome", "req_x")], "durable");
    await migrated.append("control", [draft("lock", "lock_2")], "durable");
    const standing = (await migrated.standing()).map((bytes) => JSON.parse(Buffer.from(bytes).toString()).request);
    expect(standing).toEqual(["lock_1", "req_1", "lock_2"]);
    expect(await migrated.recordsOf("req_x")).toHaveLength(2);
    await again.close();
  });

  it("can be verified while it is written", async () => {
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    for (let round = 0; round < 5; round++) {
      const source = openSqliteLogSource(file);
      const verifying = verifyLog(source, logKey);
      for (let n = 0; n < 100; n++) await log.append("local", [draft("request", `req_${round}_${n}`)], "handed-over");
      expect(await verifying).toMatchObject({ ok: true, size: round * 100 });
      source.close();
    }
    await store.close();
  });

  it("keeps every checkpoint of the newest records, and one for each 256 older ones", async () => {
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    for (let n = 0; n < 1_100; n++) await log.append("local", [draft("request", `req_${n}`)], "handed-over");
    await store.close();
    const db = new Sqlite(file, { readonly: true });
    const sizes = db.prepare<[], number>("select size from checkpoints order by size").pluck().all();
    db.close();
    expect(sizes.slice(0, 4)).toEqual([256, 512, 768, 769]);
    expect(sizes.length).toBe(3 + 1_100 - 768);
    expect(await verifyFile()).toMatchObject({ ok: true });
  });

  it("refuses a file that is something else", () => {
    writeFileSync(file, "not a database, but long enough to look like one".repeat(20));
    expect(() => openSqliteLogStore(file)).toThrow(expect.objectContaining({ code: "corrupt" }));
    const other = new Sqlite(join(folder, "other.db"));
    other.exec("pragma user_version = 1; create table t (a)");
    other.close();
    expect(() => openSqliteLogStore(join(folder, "other.db"))).toThrow(/is not an audit log/);
    expect(() => openSqliteLogSource(join(folder, "none.db"))).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(() => openSqliteLogStore(join(folder, "none", "audit.db"))).toThrow(/folder does not exist/);
  });

  it("refuses to be written by two", async () => {
    const [one, two] = [openSqliteLogStore(file), openSqliteLogStore(file)];
    const [first, second] = [await openOn(one), await openOn(two)];
    await first.append("local", [draft("request", "req_1")], "durable");
    await expect(second.append("local", [draft("request", "req_2")], "durable")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("another process"),
    });
    await one.close();
    await two.close();
    expect(await verifyFile()).toMatchObject({ ok: true, size: 1 });
  });
});

describe("payloads", () => {
  it("are kept beside the log and can be read with the key", async () => {
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    const [receipt] = await log.append("local", [draft("request", "req_1", "select 'a secret'")], "durable");
    const sealed = store.sealedPayload(0);
    expect(sealed && openPayload(payloadKey, sealed, commitmentOf(receipt)).toString()).toBe("select 'a secret'");
    expect(store.sealedPayload(1)).toBeUndefined();
    await store.close();
  });

  it("au-secret: erased, are in no file any more, and the log still verifies", async () => {
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    await log.append("local", [draft("request", "req_1", "keep"), draft("request", "req_2", "erase")], "durable");
    const sealed = Buffer.from(store.sealedPayload(1) ?? []);
    const inFiles = () =>
      ["audit.db", "audit.db-wal"].some((name) => readFileSync(join(folder, name)).includes(sealed.subarray(0, 40)));
    expect(inFiles()).toBe(true);
    expect(store.erasePayload(1)).toBe(true);
    expect(inFiles()).toBe(false);
    expect(store.sealedPayload(1)).toBeUndefined();
    expect(store.erasePayload(1)).toBe(false);
    expect(store.sealedPayload(0)).toBeDefined();
    expect(await verifyFile()).toMatchObject({ ok: true, size: 2 });
    await store.close();
  });

  it("erased while somebody reads, leave the write-ahead log with the next sync", async () => {
    const store = openSqliteLogStore(file);
    const log = await openOn(store);
    await log.append("local", [draft("request", "req_1", "erase")], "durable");
    const sealed = Buffer.from(store.sealedPayload(0) ?? []);
    const reader = new Sqlite(file, { readonly: true });
    reader.exec("begin");
    reader.prepare("select count(*) from payloads").get();
    expect(store.erasePayload(0)).toBe(true);
    reader.close();
    await store.sync();
    expect(["audit.db", "audit.db-wal"].some((name) => readFileSync(join(folder, name)).includes(sealed.subarray(0, 40)))).toBe(
      false,
    );
    await store.close();
  });
});
