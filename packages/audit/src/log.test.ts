import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { leafHash } from "./hash.ts";
import { draft, filledStore, logKey, open, origin, privateKey } from "./testing/fixture.ts";
import { MemoryLogStore } from "./testing/memory-log-store.ts";
import { openCheckpoint } from "./verify/note.ts";
import { parseRecord } from "./verify/record.ts";
import { verifyLog } from "./verify/verify-log.ts";
import { verifyReceipt } from "./verify/verify-receipt.ts";

const sequences = (store: MemoryLogStore, writer: string) =>
  store.entries.filter((entry) => entry.writer === writer).map((entry) => Object(parseRecord(entry.bytes)).sequence);

describe("appending", () => {
  it("gives a receipt that holds without the log", async () => {
    const log = await open(new MemoryLogStore());
    const [receipt] = await log.append("local", [draft("outcome", "req_1", { detail: { state: "succeeded" } })], "durable");
    expect(receipt && verifyReceipt(receipt, logKey)).toMatchObject({
      log: origin,
      sidecar: "local",
      sequence: 1,
      request: "req_1",
    });
  });

  it("stores exactly the bytes that the receipt shows, with their leaf hash", async () => {
    const { store, log } = await filledStore(3);
    const [receipt] = await log.append("local", [draft("intent", "req_9")], "durable");
    expect(store.entries.at(-1)?.bytes).toEqual(receipt?.record);
    expect(store.entries.at(-1)?.leaf).toEqual(receipt && leafHash(receipt.record));
  });

  it("makes one store write and one checkpoint of what arrives in the same turn, in order", async () => {
    const store = new MemoryLogStore();
    const log = await open(store);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => log.append(n % 2 ? "a" : "b", [draft("request", `req_${n}`)], "durable")),
    );
    expect(store.commits).toBe(1);
    expect(store.syncs).toBe(1);
    expect(new Set(answers.flat().map((receipt) => receipt.checkpoint))).toEqual(new Set([log.checkpoint()]));
    expect(answers.flat().map((receipt) => receipt.index)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    for (const receipt of answers.flat()) verifyReceipt(receipt, logKey);
    expect(sequences(store, "a")).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it("waits one more turn where several append at once, and never for a lone one", async () => {
    const store = new MemoryLogStore();
    const log = await open(store);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const append = (n: number) => log.append("local", [draft("request", `req_${n}`)], "handed-over");
    await Promise.all([append(0), append(1)]);
    const first = append(2);
    await turn();
    await Promise.all([first, append(3)]);
    expect(store.commits).toBe(2);
    await append(4);
    void append(5);
    await turn();
    expect(store.commits).toBe(4);
  });

  it("groups what arrives while the store is busy", async () => {
    const store = new MemoryLogStore();
    const log = await open(store);
    let release = () => {};
    const busy = new Promise<void>((resolve) => {
      release = resolve;
    });
    const commit = store.commit.bind(store);
    store.commit = async (batch) => {
      await busy;
      return commit(batch);
    };
    const first = log.append("local", [draft("request", "req_0")], "handed-over");
    await new Promise((resolve) => setImmediate(resolve));
    const later = Array.from({ length: 10 }, (_, n) => log.append("local", [draft("request", `req_${n + 1}`)], "handed-over"));
    release();
    await Promise.all([first, ...later]);
    expect(store.commits).toBe(2);
  });

  it("answers handed-over appends without a sync, and durable ones only after it", async () => {
    const store = new MemoryLogStore();
    const log = await open(store);
    let release = () => {};
    store.syncing = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    let durable = false;
    const strict = log.append("local", [draft("intent", "req_1")], "durable").then(() => {
      durable = true;
    });
    await log.append("local", [draft("intent", "req_2")], "handed-over");
    // A later group does not wait for the sync of an earlier one.
    await log.append("local", [draft("intent", "req_3")], "handed-over");
    expect(durable).toBe(false);
    release();
    await strict;
    expect(store.syncs).toBe(1);
  });

  it("lists the intents of a writer that have no outcome, oldest first", async () => {
    const log = await open(new MemoryLogStore());
    await log.append("local", [draft("intent", "req_1"), draft("intent", "req_2"), draft("intent", "req_3")], "durable");
    await log.append("other", [draft("intent", "req_4")], "durable");
    void log.append("local", [draft("outcome", "req_2")], "handed-over");
    expect((await log.openIntents("local")).map((intent) => intent.request)).toEqual(["req_1", "req_3"]);
  });

  it("refuses a bad draft alone, and not the appends beside it", async () => {
    const store = new MemoryLogStore();
    const log = await open(store);
    const bad = log.append("local", [draft("intent", "req_\ud800")], "durable");
    const good = log.append("local", [draft("intent", "req_2")], "durable");
    await expect(bad).rejects.toMatchObject({ code: "invalid_record" });
    await expect(good).resolves.toHaveLength(1);
    await expect(log.append("", [draft("intent", "req_3")], "durable")).rejects.toMatchObject({ code: "invalid_record" });
    expect(sequences(store, "local")).toEqual([1]);
  });

  it("stores nothing of a payload but its sealed form", async () => {
    const store = new MemoryLogStore();
    const log = await open(store);
    const [receipt] = await log.append(
      "local",
      [draft("request", "req_1", { payload: Buffer.from("select secret") })],
      "durable",
    );
    expect(Buffer.from(receipt?.record ?? []).toString()).not.toContain("secret");
    expect(store.entries[0]?.payload).toBeDefined();
  });
});

describe("a store that fails", () => {
  it("refuses every append of the group, and the log goes on as if they had never been", async () => {
    const { store, log } = await filledStore(254);
    const before = log.checkpoint();
    store.commitFailure = new Error("database or disk is full");
    const appends = [1, 2, 3, 4].map((n) =>
      log.append(`w${n}`, [draft("intent", `req_x${n}`), draft("outcome", `req_x${n}`)], "handed-over"),
    );
    for (const append of appends) await expect(append).rejects.toMatchObject({ name: "AuditError", code: "unavailable" });
    expect(log.checkpoint()).toBe(before);
    expect(log.size).toBe(254);
    store.commitFailure = undefined;
    for (let n = 0; n < 300; n++) await log.append("local", [draft("request", `req_y${n}`)], "handed-over");
    expect(await verifyLog(store, logKey)).toMatchObject({ ok: true, size: 554 });
  });

  it("refuses durable appends whose sync fails, and keeps their records in the log", async () => {
    const { store, log } = await filledStore(2);
    store.syncing = async () => {
      throw new Error("input/output error");
    };
    const durable = log.append("local", [draft("intent", "req_9")], "durable");
    const handedOver = log.append("local", [draft("intent", "req_10")], "handed-over");
    await expect(durable).rejects.toMatchObject({ code: "unavailable" });
    await expect(handedOver).resolves.toHaveLength(1);
    expect(await verifyLog(store, logKey)).toMatchObject({ ok: true, size: 4 });
  });
});

describe("closing", () => {
  it("waits for what was appended before, syncs, and refuses what comes after", async () => {
    const store = new MemoryLogStore();
    const log = await open(store);
    const last = log.append("local", [draft("stop", "req_1")], "handed-over");
    await log.close();
    await expect(last).resolves.toHaveLength(1);
    expect(store.syncs).toBe(1);
    await expect(log.append("local", [draft("stop", "req_2")], "durable")).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("opening again", () => {
  it.each([1, 255, 256, 257, 600])("goes on with the same tree and the same writers after %i records", async (count) => {
    const { store, log } = await filledStore(count);
    const again = await open(store);
    expect(again.checkpoint()).toBe(log.checkpoint());
    const [receipt] = await again.append("local", [draft("request", "req_again")], "durable");
    expect(receipt && verifyReceipt(receipt, logKey)).toMatchObject({ request: "req_again" });
    expect(await verifyLog(store, logKey)).toMatchObject({ ok: true, size: count + 1 });
  });

  it("goes on with the sequence of a writer that was silent while a tile became full between two restarts", async () => {
    const store = new MemoryLogStore();
    const first = await open(store);
    for (let n = 0; n < 5; n++) await first.append("local", [draft("request", `req_${n}`)], "durable");
    const second = await open(store);
    for (let n = 0; n < 300; n++) await second.append("control", [draft("request", `req_c${n}`)], "durable");
    const third = await open(store);
    await third.append("local", [draft("request", "req_last")], "durable");
    expect(sequences(store, "local")).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await verifyLog(store, logKey)).toMatchObject({ ok: true, size: 306 });
  });

  it("has a signed checkpoint before the first record", async () => {
    expect(openCheckpoint((await open(new MemoryLogStore())).checkpoint(), logKey).size).toBe(0);
  });

  it("is refused when the end of the log was changed", async () => {
    const edited = (await filledStore(10)).store;
    const last = edited.entries[9];
    if (last !== undefined) edited.entries[9] = { ...last, bytes: Buffer.concat([last.bytes, Buffer.from(" ")]) };
    await expect(open(edited)).rejects.toMatchObject({ code: "corrupt" });

    const cut = (await filledStore(10)).store;
    cut.entries.pop();
    await expect(open(cut)).rejects.toMatchObject({ code: "corrupt" });

    const unsigned = (await filledStore(10)).store;
    unsigned.notes = [];
    await expect(open(unsigned)).rejects.toMatchObject({ code: "corrupt" });

    const untiled = (await filledStore(300)).store;
    untiled.tiles.delete("1/0");
    await expect(open(untiled)).rejects.toMatchObject({ code: "corrupt" });
  });

  it("is refused under another key", async () => {
    const { store } = await filledStore(10);
    await expect(open(store, generateKeyPairSync("ed25519").privateKey)).rejects.toMatchObject({ code: "corrupt" });
    expect(await open(store, privateKey)).toBeDefined();
  });
});
