import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseRecord, verifyReceipt } from "@countersign/audit";
import Sqlite from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { draft, file, logKey, openOn, privateKey, verifyFile } from "../../fixtures/log-file.ts";
import { openSqliteLogSource } from "./sqlite-log-source.ts";
import { prepareDatabase, sqliteLogStore } from "./sqlite-log-store.ts";
import { openWalSync } from "./wal.ts";

describe("au-fail: a store that cannot be written", () => {
  it("refuses when the disk is full, loses nothing, and goes on when there is space again", async () => {
    const db = prepareDatabase(new Sqlite(file));
    const store = sqliteLogStore(db, openWalSync(db));
    const log = await openOn(store);
    await log.append("local", [draft("request", "req_0")], "durable");
    const pages = Number(db.pragma("page_count", { simple: true }));
    db.pragma(`max_page_count = ${pages + 20}`);
    let accepted = 1;
    const fill = async () => {
      for (let n = 0; n < 1_000; n++, accepted++)
        await log.append("local", [draft("request", `req_a${n}`, "x".repeat(500))], "handed-over");
    };
    await expect(fill()).rejects.toMatchObject({
      name: "AuditError",
      code: "unavailable",
      message: expect.stringContaining("disk is full"),
    });
    await expect(log.append("local", [draft("request", "req_b", "x".repeat(9_000))], "durable")).rejects.toMatchObject({
      code: "unavailable",
    });
    db.pragma(`max_page_count = ${pages + 10_000}`);
    const [receipt] = await log.append("local", [draft("request", "req_c", "x".repeat(9_000))], "durable");
    expect(receipt && verifyReceipt(receipt, logKey).sequence).toBe(accepted + 1);
    await store.close();
    expect(await verifyFile()).toMatchObject({ ok: true, size: accepted + 1 });
  });

  it("refuses after a failed sync until everything is safely on disk", async () => {
    const db = prepareDatabase(new Sqlite(file));
    const wal = openWalSync(db);
    let broken = false;
    const sync = () =>
      broken ? Promise.reject(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" })) : wal.sync();
    const store = sqliteLogStore(db, { ...wal, sync });
    const log = await openOn(store);
    await log.append("local", [draft("intent", "req_1")], "durable");
    broken = true;
    await expect(log.append("local", [draft("intent", "req_2")], "durable")).rejects.toMatchObject({ code: "unavailable" });
    // A reader keeps the full checkpoint from being made, so that the doubt stays.
    const reader = new Sqlite(file, { readonly: true });
    reader.exec("begin; select count(*) from records");
    reader.prepare("select count(*) from records").get();
    await expect(log.append("local", [draft("intent", "req_3")], "handed-over")).rejects.toMatchObject({ code: "unavailable" });
    reader.close();
    broken = false;
    await log.append("local", [draft("intent", "req_4")], "durable");
    await store.close();
    expect(await verifyFile()).toMatchObject({ ok: true, size: 3 });
  });

  it("puts handed-over records on disk within 100 ms", async () => {
    const db = prepareDatabase(new Sqlite(file));
    const wal = openWalSync(db);
    const synced: number[] = [];
    const store = sqliteLogStore(db, {
      ...wal,
      async sync() {
        await wal.sync();
        synced.push(performance.now());
      },
    });
    const log = await openOn(store);
    const start = performance.now();
    await log.append("local", [draft("request", "req_1")], "handed-over");
    expect(synced).toEqual([]);
    await expect.poll(() => synced.length, { interval: 5 }).toBe(1);
    expect((synced[0] ?? 0) - start).toBeLessThan(100);
    await store.close();
  });
});

describe("au-crash: kill -9", () => {
  it.each(["handed-over", "durable"])(
    "of a writer loses no acknowledged %s record, again and again",
    async (durability) => {
      const acknowledged = new Map<number, string>();
      const key = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
      const program = new URL("writing-process.ts", import.meta.url).pathname;
      for (let round = 0; round < 3; round++) {
        const child = spawn(process.execPath, ["--conditions=source", program, file, key, durability], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        const wanted = acknowledged.size + 150 + round * 37;
        for await (const line of createInterface({ input: child.stdout })) {
          const [, index, what] = /^(\d+) (.*)$/.exec(line) ?? [];
          if (what !== undefined) acknowledged.set(Number(index), what);
          if (acknowledged.size >= wanted) child.kill("SIGKILL");
        }
        const report = await verifyFile();
        expect(report).toMatchObject({ ok: true, problems: [] });
        // One lane each may have been between intent and outcome.
        expect(report.open.length).toBeLessThanOrEqual(4 * (round + 1));
      }
      const source = openSqliteLogSource(file);
      for await (const { index, bytes } of source.records()) {
        const record = parseRecord(bytes);
        const said = acknowledged.get(index);
        if (said !== undefined) expect(record).toMatchObject({ type: said.split(" ")[0], request: said.split(" ")[1] });
        acknowledged.delete(index);
      }
      source.close();
      expect([...acknowledged]).toEqual([]);
    },
    60_000,
  );
});
