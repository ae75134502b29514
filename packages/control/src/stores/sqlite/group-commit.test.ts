import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryFolder } from "../../../fixtures/plane.ts";
import { groupCommit } from "./group-commit.ts";

interface Tables {
  items: { name: string };
}

async function opened() {
  const sqlite = new Database(join(temporaryFolder(), "test.db"));
  sqlite.pragma("journal_mode = WAL");
  const commits: string[] = [];
  const db = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: sqlite }),
    log: ({ query }) => {
      if (query.sql === "commit") commits.push(query.sql);
    },
  });
  onTestFinished(() => db.destroy());
  await db.schema
    .createTable("items")
    .addColumn("name", "text", (column) => column.primaryKey())
    .execute();
  const wal = { settle: () => true, sync: vi.fn(async () => {}) };
  const { write, idle } = groupCommit(db, wal);
  const add = (name: string) => write((transaction) => transaction.insertInto("items").values({ name }).execute());
  const names = async () => (await db.selectFrom("items").select("name").orderBy("name").execute()).map(({ name }) => name);
  return { sqlite, write, idle, wal, add, names, commits };
}

test("writes that arrive together share a commit", async () => {
  const { add, names, commits } = await opened();
  await Promise.all(["a", "b", "c"].map(add));
  expect(commits).toHaveLength(1);
  await add("d");
  expect(commits).toHaveLength(2);
  expect(await names()).toEqual(["a", "b", "c", "d"]);
});

test("a write that fails undoes itself and leaves the others be", async () => {
  const { write, add, names } = await opened();
  const half = write(async (transaction) => {
    await transaction.insertInto("items").values({ name: "half" }).execute();
    throw new Error("changed my mind");
  });
  const results = await Promise.allSettled([add("a"), half, add("a"), add("b")]);
  expect(results.map((one) => one.status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(await names()).toEqual(["a", "b"]);
});

test("when the disk is full nobody is told that it worked, and it works again when there is room", async () => {
  const { sqlite, add, names } = await opened();
  await add("a");
  sqlite.pragma("max_page_count = 4");
  const results = await Promise.allSettled([add("small"), add("x".repeat(100_000)), add("after")]);
  const told = results.map((one) => (one.status === "rejected" ? one.reason.code : "fulfilled"));
  expect(told[1]).toBe("SQLITE_FULL");
  const there = ["small", "x", "after"].filter((_, index) => told[index] === "fulfilled");
  expect((await names()).map((name) => name.replace(/^x+$/, "x"))).toEqual(["a", ...there].toSorted());
  sqlite.pragma("max_page_count = 1000000");
  await add("again");
  expect(await names()).toContain("again");
});

test("nobody is told before it is on disk, and what comes meanwhile is stored meanwhile", async () => {
  const { wal, add, names, idle } = await opened();
  const first = Promise.withResolvers<void>();
  wal.sync.mockReturnValueOnce(first.promise);
  const told: string[] = [];
  const adding = add("a").then(() => told.push("a"));
  await vi.waitFor(() => expect(wal.sync).toHaveBeenCalledOnce());
  await add("b");
  expect(await names()).toEqual(["a", "b"]);
  expect(told).toEqual([]);
  first.resolve();
  await adding;
  expect(told).toEqual(["a"]);
  await idle();
});

test("what cannot be synced is told as that, and nothing more is stored until it is settled", async () => {
  const { wal, add, names } = await opened();
  wal.sync.mockRejectedValueOnce(Object.assign(new Error("disk"), { code: "EIO" }));
  await expect(add("a")).rejects.toMatchObject({ name: "NotSynced", code: "EIO" });
  wal.settle = () => {
    throw new Error("the disk does not work yet");
  };
  await expect(add("b")).rejects.toThrow("the disk does not work yet");
  wal.settle = () => true;
  await add("c");
  expect(await names()).toEqual(["a", "c"]);
});

test("idle waits for what is on its way to the disk", async () => {
  const { wal, add, idle } = await opened();
  const disk = Promise.withResolvers<void>();
  wal.sync.mockReturnValueOnce(disk.promise);
  const adding = add("a");
  let isIdle = false;
  const waiting = idle().then(() => (isIdle = true));
  await vi.waitFor(() => expect(wal.sync).toHaveBeenCalled());
  expect(isIdle).toBe(false);
  disk.resolve();
  await Promise.all([adding, waiting]);
});
