import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkpointSigner, logKeyText } from "../checkpoint.ts";
import { leafHash } from "../hash.ts";
import type { LogEntry } from "../log-store.ts";
import { draft, filledStore, logKey, open, origin, privateKey } from "../testing/fixture.ts";
import { MemoryLogStore } from "../testing/memory-log-store.ts";
import { parseLogKey } from "./note.ts";
import { RunningTree } from "./running-tree.ts";
import { verifyLog } from "./verify-log.ts";
import { verifyReceipt } from "./verify-receipt.ts";

/** Replaces bytes but not the leaf hash that is kept beside them. */
function edit(store: MemoryLogStore, index: number, change: (text: string) => string): void {
  const entry = at(store, index);
  store.entries[index] = { ...entry, bytes: Buffer.from(change(Buffer.from(entry.bytes).toString())) };
}

function at(store: MemoryLogStore, index: number): LogEntry {
  const entry = store.entries[index];
  if (entry === undefined) throw new RangeError(`No record ${index}`);
  return entry;
}

/** Forgets where records stand, as a file of lines does; the tiles stay. */
function asLines(store: MemoryLogStore): MemoryLogStore {
  const lines = new MemoryLogStore();
  const leaves = store.entries.map((entry) => entry.leaf);
  lines.entries = [...store.entries];
  lines.notes = [...store.notes];
  lines.tile = async (level, index) => (level === 0 ? leaves.slice(index * 256, index * 256 + 256) : store.tile(level, index));
  lines.records = async function* () {
    for (const [index, { bytes }] of lines.entries.entries()) yield { index, bytes };
  };
  return lines;
}

/** What an attacker without the key can do at best: everything is computed anew, and signed with another key. */
async function rewritten(store: MemoryLogStore, index: number, key = privateKey): Promise<MemoryLogStore> {
  const forged = new MemoryLogStore();
  const log = await open(forged, key);
  for (const [n, { bytes, writer }] of store.entries.entries()) {
    const { type, request } = JSON.parse(Buffer.from(bytes).toString());
    await log.append(writer, [draft(type, request, n === index ? { resource: "other-db" } : {})], "handed-over");
  }
  return forged;
}

const verify = async (store: MemoryLogStore, known: readonly string[] = []) => verifyLog(store, logKey, { known });
const messages = (report: Awaited<ReturnType<typeof verify>>) =>
  report.problems.map((problem) => `${problem.kind} ${problem.message}`);

describe("a log as it was written", () => {
  it.each([
    [0, 1],
    [1, 1],
    [300, 1],
    [1_000, 7],
    [66_000, 250],
  ])("of %i records in groups of %i verifies", async (count, group) => {
    const { store, log } = await filledStore(count, group);
    const report = await verify(store, count > 0 ? [store.notes[0] ?? "", log.checkpoint()] : []);
    expect(report).toMatchObject({ ok: true, size: count, problems: [] });
    if (count > 0) expect(report.checkpoint).toBe(log.checkpoint());
  });

  it("shows what is still open, which is no problem", async () => {
    const { store, log } = await filledStore(4);
    await log.append("local", [draft("intent", "req_open")], "durable");
    expect(await verify(store)).toMatchObject({ ok: true, open: [{ request: "req_open", index: 4, why: "no-outcome" }] });
  });

  it("names what is in doubt, until the target or a person tells", async () => {
    const { store, log } = await filledStore(0);
    const outcome = (request: string, state: string) => draft("outcome", request, { detail: { state } });
    await log.append("local", [draft("intent", "req_1"), draft("intent", "req_2"), outcome("req_2", "unknown")], "durable");
    const open = [
      { request: "req_1", index: 0, why: "no-outcome" },
      { request: "req_2", index: 2, why: "unknown" },
    ];
    expect(await verify(store)).toMatchObject({ ok: true, open });
    await log.append("local", [draft("resolution", "req_1"), draft("resolution", "req_2")], "durable");
    expect(await verify(store)).toMatchObject({ ok: true, open: [] });
    // The target may be asked later all the same, once.
    await log.append("local", [outcome("req_1", "unknown"), outcome("req_2", "succeeded")], "durable");
    expect(await verify(store)).toMatchObject({ ok: true, open: [] });
    await log.append("local", [outcome("req_2", "succeeded")], "durable");
    expect(await verify(store)).toMatchObject({ ok: false, problems: [{ kind: "unfounded", index: 7 }] });
  });

  it("takes no word of a person for an intent: an outcome that nothing was dispatched for is found", async () => {
    const { store, log } = await filledStore(0);
    const outcome = draft("outcome", "req_1", { detail: { state: "succeeded" } });
    await log.append("local", [draft("resolution", "req_1"), outcome], "durable");
    expect(await verify(store)).toMatchObject({ ok: false, problems: [{ kind: "unfounded", index: 1 }] });
  });

  it("may resolve an unknown outcome later", async () => {
    const { store, log } = await filledStore(0);
    await log.append("local", [draft("intent", "req_1"), draft("outcome", "req_1", { detail: { state: "unknown" } })], "durable");
    await log.append("local", [draft("outcome", "req_1", { detail: { state: "succeeded" } })], "durable");
    expect(await verify(store)).toMatchObject({ ok: true, open: [] });
  });
});

describe("au-tamper: the verifier names the place of", () => {
  it("an edited byte", async () => {
    const { store } = await filledStore(40);
    edit(store, 17, (text) => text.replace("orders-db", "orders-dc"));
    const report = await verify(store);
    expect(report.problems).toEqual([
      {
        kind: "edited",
        index: 17,
        message: "record 17 (sequence 12 of sidecar remote): its bytes do not hash to leaf 17 of tile 0/0; it was edited",
      },
    ]);
  });

  it("an edited byte in any record, and nothing else", async () => {
    for (const index of [0, 1, 255, 256, 299]) {
      const { store } = await filledStore(300);
      edit(store, index, (text) => text.replace("orders-db", "orders-dc"));
      expect((await verify(store)).problems).toMatchObject([{ kind: "edited", index }]);
    }
  });

  it("an edited record whose leaf was computed anew", async () => {
    const { store } = await filledStore(40);
    edit(store, 17, (text) => text.replace("orders-db", "orders-dc"));
    store.entries[17] = { ...at(store, 17), leaf: leafHash(at(store, 17).bytes) };
    const report = await verify(store);
    expect(report.problems).toContainEqual(expect.objectContaining({ kind: "rewritten", index: 17 }));
    expect(messages(report).join("\n")).toContain("record 17: it is not what was signed");
    expect(messages(report).join("\n")).toMatch(
      /record 19 \(sequence 13 of sidecar remote\): it was written after record 17 before it, which has another hash/,
    );
  });

  it("a deleted record, where the source knows places", async () => {
    const { store } = await filledStore(40);
    store.entries.splice(17, 1);
    const report = await verify(store);
    expect(messages(report)).toEqual(["missing record 17: it is missing"]);
  });

  it("deleted records in a file of lines, one, several, the first", async () => {
    for (const [index, count] of [
      [17, 1],
      [5, 20],
      [0, 1],
    ] as const) {
      const lines = asLines((await filledStore(40)).store);
      lines.entries.splice(index, count);
      const report = await verify(lines);
      expect(report.problems, `${count} from ${index}`).toMatchObject([{ kind: "missing", index }]);
    }
  });

  it("an inserted record", async () => {
    const lines = asLines((await filledStore(40)).store);
    const forged = Buffer.from(Buffer.from(at(lines, 17).bytes).toString().replace("req_8", "req_666"));
    lines.entries.splice(18, 0, { ...at(lines, 17), bytes: forged });
    expect((await verify(lines)).problems).toMatchObject([{ kind: "inserted", index: 18 }]);
  });

  it("a record at a place far behind the end, without counting up to it", async () => {
    const { store } = await filledStore(40);
    store.entries.push({ ...at(store, 3), index: 2 ** 50 });
    expect((await verify(store)).problems[0]).toMatchObject({
      kind: "missing",
      index: 40,
      message: expect.stringContaining("far behind"),
    });
  });

  it("swapped records, side by side or apart", async () => {
    for (const [a, b] of [
      [17, 18],
      [3, 30],
    ] as const) {
      const lines = asLines((await filledStore(40)).store);
      [lines.entries[a], lines.entries[b]] = [at(lines, b), at(lines, a)];
      const { problems } = await verify(lines);
      expect(problems).toMatchObject([
        { kind: "reordered", index: a },
        { kind: "reordered", index: b },
      ]);
    }
  });

  it("a cut end", async () => {
    const { store } = await filledStore(40);
    store.entries.splice(35);
    const report = await verify(store);
    expect(report.ok).toBe(false);
    expect(messages(report)).toEqual([
      "truncated records 35 to 39: they are missing: the newest checkpoint was signed for 40 records, and the log ends after 35; its end was cut off",
    ]);
  });

  it("a cut end whose checkpoints are cut too, given a checkpoint from before", async () => {
    const { store, log } = await filledStore(40);
    store.entries.splice(35);
    store.notes.splice(35);
    expect(await verify(store)).toMatchObject({ ok: true, size: 35 });
    expect((await verify(store, [log.checkpoint()])).problems).toMatchObject([{ kind: "truncated", index: 35 }]);
  });

  it("a log set back to an older state and written on (a fork), given a checkpoint from before", async () => {
    const { store, log } = await filledStore(40);
    const known = log.checkpoint();
    const older = (await filledStore(0)).store;
    older.entries = store.entries.slice(0, 30);
    older.notes = store.notes.slice(0, 30);
    const forkedLog = await open(older);
    for (let n = 0; n < 20; n++) await forkedLog.append("local", [draft("request", `req_other${n}`)], "durable");
    expect(await verify(older)).toMatchObject({ ok: true });
    const report = await verify(older, [known]);
    expect(report.problems).toMatchObject([{ kind: "forked", index: 39 }]);
  });

  it("a log that was computed anew from the edited record on, without the key", async () => {
    const { store } = await filledStore(40);
    const forged = await rewritten(store, 17, generateKeyPairSync("ed25519").privateKey);
    // The old signatures are kept where they still hold; the rest cannot be made.
    forged.notes = [...store.notes.slice(0, 17), ...forged.notes.slice(17)];
    const report = await verify(forged);
    expect(report.problems).toMatchObject([{ kind: "signature", index: 17 }]);
    expect(report.checkpoint).toBeUndefined();
  });

  it("a log that was computed anew, under the checkpoints of the old one", async () => {
    const { store } = await filledStore(40);
    const forged = await rewritten(store, 17);
    forged.notes = [...store.notes];
    expect((await verify(forged)).problems).toMatchObject([{ kind: "rewritten", index: 17 }]);
  });

  it("records that no checkpoint covers", async () => {
    const { store } = await filledStore(40);
    store.notes.splice(30);
    expect(messages(await verify(store))).toEqual(["unsigned records 30 to 39: they are not covered by any checkpoint"]);
    store.notes = [];
    expect((await verify(store)).problems).toMatchObject([{ kind: "unsigned", index: 0 }]);
  });

  it("a checkpoint that cannot be read, or was signed by another key", async () => {
    const { store } = await filledStore(40);
    const foreign = checkpointSigner(origin, generateKeyPairSync("ed25519").privateKey);
    store.notes[20] = "nonsense";
    store.notes[25] = foreign(26, Buffer.alloc(32));
    expect((await verify(store)).problems).toMatchObject([
      { kind: "signature", index: 20 },
      { kind: "signature", index: 26 },
    ]);
  });

  it("a changed tile above the leaves", async () => {
    const { store } = await filledStore(600, 50);
    const tile = Buffer.from(store.tiles.get("1/0") ?? []);
    tile.writeUInt8(tile.readUInt8(40) ^ 1, 40);
    store.tiles.set("1/0", tile);
    expect(messages(await verify(store))).toEqual(["tile tile 1/0, hash 1: it is not the hash of records 256 to 511"]);
  });

  it("a record that a sidecar logged and another part left out before signing", async () => {
    const { store } = await filledStore(40);
    const omitted = new MemoryLogStore();
    omitted.entries = store.entries.filter((_, index) => index !== 17).map((entry, index) => ({ ...entry, index }));
    const tree = new RunningTree();
    const sign = checkpointSigner(origin, privateKey);
    for (const { leaf } of omitted.entries) {
      tree.push(leaf);
      omitted.notes.push(sign(tree.size, tree.root()));
    }
    const report = await verify(omitted);
    expect(messages(report)).toContain(
      "omitted record 18 (sequence 13 of sidecar remote): sequence 12 of that sidecar is missing before it",
    );
  });

  it("an outcome that nobody announced, and a reviewed dispatch that nobody approved", async () => {
    const { store, log } = await filledStore(2);
    await log.append("local", [draft("outcome", "req_ghost")], "durable");
    await log.append("local", [draft("intent", "req_alone", { detail: { effect: "review" } })], "durable");
    await log.append("control", [draft("vote", "req_fine", { detail: { accepted: true, verdict: "approve" } })], "durable");
    await log.append("local", [draft("intent", "req_fine", { detail: { effect: "review" } })], "durable");
    expect((await verify(store)).problems).toMatchObject([
      { kind: "unfounded", index: 2 },
      { kind: "unfounded", index: 3 },
    ]);
  });

  it("at most as many problems as asked for, and counts the rest", async () => {
    const { store } = await filledStore(40);
    for (let index = 0; index < 40; index++) edit(store, index, (text) => text.replace("orders-db", "orders-dc"));
    const report = await verifyLog(store, logKey, { maxProblems: 5 });
    expect(report.problems).toHaveLength(5);
    expect(report.moreProblems).toBe(35);
  });
});

describe("verifying", () => {
  it("under another key trusts nothing", async () => {
    const { store } = await filledStore(5);
    const other = parseLogKey(logKeyText(origin, generateKeyPairSync("ed25519").privateKey));
    expect((await verifyLog(store, other)).problems).toMatchObject([{ kind: "signature", index: 0 }]);
  });

  it("refuses a known checkpoint that the log did not sign", async () => {
    const { store } = await filledStore(5);
    const foreign = checkpointSigner(origin, generateKeyPairSync("ed25519").privateKey)(5, Buffer.alloc(32));
    await expect(verify(store, [foreign])).rejects.toMatchObject({ code: "malformed" });
  });
});

describe("a receipt", () => {
  it("does not hold with anything in it changed", async () => {
    const { store, log } = await filledStore(20);
    const [receipt] = await log.append("local", [draft("request", "req_1")], "durable");
    if (receipt === undefined) throw new Error("No receipt");
    const { index, record, proof, checkpoint } = receipt;
    verifyReceipt({ index, record, proof, checkpoint }, logKey);
    for (const wrong of [
      { index: index - 1, record, proof, checkpoint },
      { index, record: at(store, 3).bytes, proof, checkpoint },
      { index, record, proof: proof.slice(1), checkpoint },
      { index, record, proof, checkpoint: store.notes[0] ?? "" },
      { index, record, proof, checkpoint: checkpoint.replace("\n21\n", "\n22\n") },
    ]) {
      expect(() => verifyReceipt(wrong, logKey)).toThrow(expect.objectContaining({ code: "malformed" }));
    }
  });
});
