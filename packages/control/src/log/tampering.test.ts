import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogKey, logKeyText, openLog, parseLogKey, verifyLog } from "@countersign/audit";
import Sqlite, { type Database } from "better-sqlite3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { exportLog, openExportedLog } from "./export.ts";
import { payloadSealer } from "./payload.ts";
import { openSqliteLogSource } from "./sqlite-log-source.ts";
import { openSqliteLogStore } from "./sqlite-log-store.ts";

const origin = "countersign.example/test";
const { privateKey } = generateKeyPairSync("ed25519");
const keyText = logKeyText(origin, privateKey);
const key: LogKey = parseLogKey(keyText);

/** Records in the log that is tampered with: two full tiles and a partial one. */
const COUNT = 600;

let folder: string;
let original: string;
let file: string;
let newest: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-tampering-"));
  original = join(folder, "original.db");
  file = join(folder, "audit.db");
  newest = await write(original, 0, COUNT);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => cpSync(original, file));

/** Appends records, two in each commit, and closes the file; gives the newest checkpoint. */
async function write(path: string, from: number, to: number, resource = "orders-db"): Promise<string> {
  const store = openSqliteLogStore(path);
  const log = await openLog({ store, origin, key: privateKey, sealPayload: payloadSealer(Buffer.alloc(32)) });
  for (let n = from; n < to; n += 2) {
    const about = { request: `req_${n}`, timeMs: Date.UTC(2026, 0, 1) + n, resource, payload: Buffer.from(`statement ${n}`) };
    await log.append(
      n % 10 === 0 ? "control" : "local",
      [
        { ...about, type: "intent" },
        { ...about, type: "outcome" },
      ],
      "handed-over",
    );
  }
  await log.close();
  await store.close();
  return log.checkpoint();
}

function tamper(work: (db: Database) => void): void {
  const db = new Sqlite(file);
  work(db);
  db.close();
}

async function verify(known: readonly string[] = []) {
  const source = openSqliteLogSource(file);
  try {
    const { problems, ok } = await verifyLog(source, key, { known });
    expect(ok).toBe(problems.length === 0);
    return problems;
  } finally {
    source.close();
  }
}

/** In a full tile, at its edges, in the partial tile, and the last one. */
const PLACES = [0, 17, 255, 256, 530, COUNT - 1];

describe("au-tamper: the verifier names the place in the file of", () => {
  it("nothing, while nothing is wrong", async () => {
    expect(await verify([newest])).toEqual([]);
  });

  it.each(PLACES)("one edited byte in record %i", async (index) => {
    tamper((db) =>
      db
        .prepare("update records set bytes = cast(replace(cast(bytes as text), 'orders-db', 'orders-dc') as blob) where idx = ?")
        .run(index),
    );
    expect(await verify()).toMatchObject([
      {
        kind: "edited",
        index,
        message: expect.stringMatching(new RegExp(`^record ${index} \\(sequence \\d+ of sidecar \\w+\\): `)),
      },
    ]);
  });

  it("one edited byte, by a hex editor", async () => {
    const bytes = readFileSync(file);
    let record = Buffer.alloc(0);
    tamper((db) => {
      record = db.prepare<[], Buffer<ArrayBuffer>>("select bytes from records where idx = 200").pluck().get() ?? record;
    });
    const at = bytes.indexOf(record) + 40;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(file, bytes);
    expect(await verify()).toMatchObject([{ kind: "edited", index: 200 }]);
  });

  it.each(PLACES.slice(0, -1))("deleted record %i", async (index) => {
    tamper((db) => db.prepare("delete from records where idx = ?").run(index));
    expect(await verify()).toMatchObject([{ kind: "missing", index }]);
  });

  it("a deleted record whose gap was closed", async () => {
    tamper((db) => {
      db.prepare("delete from records where idx = 17").run();
      for (let n = 18; n < COUNT; n++) db.prepare("update records set idx = ? where idx = ?").run(n - 1, n);
    });
    expect((await verify())[0]).toMatchObject({ kind: "missing", index: 17 });
  });

  it.each([COUNT - 1, COUNT - 100, 300])("a tail cut at record %i", async (index) => {
    tamper((db) => db.prepare("delete from records where idx >= ?").run(index));
    expect(await verify()).toMatchObject([{ kind: "truncated", index }]);
  });

  it("two swapped records", async () => {
    tamper((db) => {
      const read = db.prepare<[number], Buffer>("select bytes from records where idx = ?").pluck();
      const [a, b] = [read.get(17), read.get(18)];
      db.prepare("update records set bytes = ? where idx = 17").run(b);
      db.prepare("update records set bytes = ? where idx = 18").run(a);
    });
    expect(await verify()).toMatchObject([
      { kind: "reordered", index: 17 },
      { kind: "reordered", index: 18 },
    ]);
  });

  it("an inserted record", async () => {
    tamper((db) => {
      for (let n = COUNT - 1; n >= 300; n--) db.prepare("update records set idx = ? where idx = ?").run(n + 1, n);
      db.prepare(
        "insert into records (idx, bytes, leaf) select 300, cast(replace(cast(bytes as text), 'req_', 'req-') as blob), leaf from records where idx = 10",
      ).run();
    });
    expect((await verify())[0]).toMatchObject({ kind: "inserted", index: 300 });
  });

  it("records put behind the end", async () => {
    tamper((db) =>
      db.prepare("insert into records (idx, bytes, leaf) select ?, bytes, leaf from records where idx = 10").run(COUNT),
    );
    expect(await verify()).toContainEqual(expect.objectContaining({ kind: "unsigned", index: COUNT }));
  });

  it("a log set back to an older state, given a checkpoint from before", async () => {
    rmSync(file);
    await write(file, 0, COUNT - 100);
    expect(await verify()).toEqual([]);
    tamper((db) => db.prepare("delete from records where idx >= 100").run());
    expect(await verify()).toMatchObject([{ kind: "truncated", index: 100 }]);
  });

  it("a roll back to a copy of the file, given a checkpoint from before", async () => {
    const later = await write(file, COUNT, COUNT + 50);
    cpSync(original, file);
    expect(await verify()).toEqual([]);
    expect(await verify([later])).toMatchObject([{ kind: "truncated", index: COUNT }]);
  });

  it("a fork: the copy went on in another way", async () => {
    const later = await write(file, COUNT, COUNT + 50);
    cpSync(original, file);
    await write(file, COUNT, COUNT + 80, "other-db");
    expect(await verify()).toEqual([]);
    expect(await verify([newest])).toEqual([]);
    expect(await verify([later])).toMatchObject([{ kind: "forked", index: COUNT + 49 }]);
  });

  it("a damaged page", async () => {
    const bytes = readFileSync(file);
    const at = bytes.indexOf('"request":"req_100"');
    bytes.fill(0xff, at - (at % 4096), at - (at % 4096) + 4096);
    writeFileSync(file, bytes);
    const problems = await verify();
    expect(problems[0]?.kind).toMatch(/unreadable|edited|missing/);
    expect(problems[0]?.index).toBeLessThanOrEqual(100);
  });

  it("a changed tile, and a changed checkpoint", async () => {
    tamper((db) => {
      db.prepare("update tiles set hashes = zeroblob(8192) where level = 0 and idx = 1").run();
      db.prepare(
        "update checkpoints set note = replace(note, char(10) || '600' || char(10), char(10) || '601' || char(10))",
      ).run();
    });
    const problems = await verify();
    expect(problems[0]).toMatchObject({ kind: "edited", index: 256 });
  });

  it("the end of a log that its writer opens again", async () => {
    tamper((db) => db.prepare("delete from records where idx = ?").run(COUNT - 1));
    await expect(write(file, COUNT, COUNT + 2)).rejects.toMatchObject({ code: "corrupt" });
  });
});

describe("an export", () => {
  async function exported(): Promise<string> {
    const target = mkdtempSync(join(folder, "export-"));
    const source = openSqliteLogSource(file);
    expect(await exportLog(source, target, keyText)).toBe(COUNT);
    source.close();
    return target;
  }
  const verifyExport = async (target: string, known: readonly string[] = []) =>
    (await verifyLog(openExportedLog(target), key, { known })).problems;

  it("verifies like the log itself, and holds the exact bytes", async () => {
    const target = await exported();
    expect(await verifyExport(target, [newest])).toEqual([]);
    expect(readFileSync(join(target, "checkpoint"), "utf8")).toBe(newest);
    expect(readFileSync(join(target, "log.pub"), "utf8").trim()).toBe(keyText);
    expect(readFileSync(join(target, "tile/0/000")).length).toBe(256 * 32);
    expect(readFileSync(join(target, "tile/0/002.p/88")).length).toBe(88 * 32);
    expect(readFileSync(join(target, "tile/1/000.p/2")).length).toBe(2 * 32);
  });

  it("names the place of an edited, a deleted, an inserted and a cut line", async () => {
    const change = async (work: (lines: string[]) => void) => {
      const target = await exported();
      const path = join(target, "records.jsonl");
      const lines = readFileSync(path, "utf8").split("\n");
      work(lines);
      writeFileSync(path, lines.join("\n"));
      return verifyExport(target);
    };
    expect(await change((lines) => lines.splice(17, 1, (lines[17] ?? "").replace("orders-db", "orders-dc")))).toMatchObject([
      { kind: "edited", index: 17 },
    ]);
    expect(await change((lines) => lines.splice(17, 1))).toMatchObject([{ kind: "missing", index: 17 }]);
    expect(await change((lines) => lines.splice(17, 0, (lines[40] ?? "").replace("req_40", "req_4x")))).toMatchObject([
      { kind: "inserted", index: 17 },
    ]);
    expect(await change((lines) => lines.splice(590))).toMatchObject([{ kind: "truncated", index: 590 }]);
  });

  it("goes to a new folder only, and is looked for where it is", async () => {
    const target = await exported();
    const source = openSqliteLogSource(file);
    await expect(exportLog(source, target, keyText)).rejects.toMatchObject({ code: "unavailable" });
    source.close();
    expect(() => openExportedLog(join(folder, "nowhere"))).toThrow(expect.objectContaining({ code: "not_found" }));
  });
});
