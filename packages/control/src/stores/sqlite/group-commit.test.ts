import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryFolder } from "../../../fixtures/plane.ts";
import { prepared } from "../prepared-query.ts";
import { Connection } from "./connection.ts";
import { groupCommit } from "./group-commit.ts";

interface Tables {
  items: { name: string };
}

async function opened() {
  const sqlite = new Database(join(temporaryFolder(), "test.db"));
  sqlite.pragma("journal_mode = WAL");
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) });
  onTestFinished(() => db.destroy());
  await db.schema
    .createTable("items")
    .addColumn("name", "text", (column) => column.primaryKey())
    .execute();
  const insert = prepared(({ name }: { name: string }) => db.insertInto("items").values({ name }));
  const select = prepared(() => db.selectFrom("items").select("name").orderBy("name"));
  const connection = new Connection(sqlite);
  const commands = vi.spyOn(connection, "do");
  const wal = { settle: () => true, sync: vi.fn(async () => {}) };
  const { write, idle } = groupCommit(connection, wal);
  const add = (name: string) => write((transaction) => transaction.run(insert, { name }));
  const names = () => connection.all(select, {}).map(({ name }) => name);
  const said = () => commands.mock.calls.splice(0).map(([command]) => command);
  return { sqlite, connection, write, idle, wal, insert, add, names, said };
}

test("writes that arrive together share a commit", async () => {
  const { add, names, said } = await opened();
  await Promise.all(["a", "b", "c"].map(add));
  expect(said().filter((command) => command === "commit")).toHaveLength(1);
  await add("d");
  expect(said()).toEqual(["begin", "commit"]);
  expect(names()).toEqual(["a", "b", "c", "d"]);
});

test("nobody sees half of a transaction, and none is left open", async () => {
  const { connection, write, insert, names } = await opened();
  const seen: unknown[] = [];
  const look = setInterval(() => seen.push(names().length), 0);
  onTestFinished(() => clearInterval(look));
  for (let round = 1; round <= 20; round++) {
    await write((transaction) => {
      for (const half of ["a", "b"]) transaction.run(insert, { name: `${round}${half}` });
    });
    expect(connection.inTransaction).toBe(false);
    expect(names()).toHaveLength(2 * round);
  }
  await vi.waitFor(() => expect(seen).toContain(40));
  expect(seen.filter((count) => Number(count) % 2 === 1)).toEqual([]);
});

test("a write that is alone and fails undoes itself", async () => {
  const { connection, write, insert, add, names } = await opened();
  const half = write((transaction) => {
    transaction.run(insert, { name: "half" });
    throw new Error("changed my mind");
  });
  await expect(half).rejects.toThrow("changed my mind");
  expect(connection.inTransaction).toBe(false);
  await add("a");
  expect(names()).toEqual(["a"]);
});

test("nothing is written outside of a transaction", async () => {
  const { connection, insert, names } = await opened();
  expect(() => connection.run(insert, { name: "a" })).toThrow(TypeError);
  expect(names()).toEqual([]);
});

test("a write that fails undoes itself and leaves the others be", async () => {
  const { write, insert, add, names } = await opened();
  const half = write((transaction) => {
    transaction.run(insert, { name: "half" });
    throw new Error("changed my mind");
  });
  const results = await Promise.allSettled([add("a"), half, add("a"), add("b")]);
  expect(results.map((one) => one.status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(names()).toEqual(["a", "b"]);
});

test("when the disk is full nobody is told that it worked, and it works again when there is room", async () => {
  const { sqlite, add, names } = await opened();
  await add("a");
  sqlite.pragma("max_page_count = 4");
  const results = await Promise.allSettled([add("small"), add("x".repeat(100_000)), add("after")]);
  const told = results.map((one) => (one.status === "rejected" ? one.reason.code : "fulfilled"));
  expect(told[1]).toBe("SQLITE_FULL");
  const there = ["small", "x", "after"].filter((_, index) => told[index] === "fulfilled");
  expect(names().map((name) => name.replace(/^x+$/, "x"))).toEqual(["a", ...there].toSorted());
  sqlite.pragma("max_page_count = 1000000");
  await add("again");
  expect(names()).toContain("again");
});

test("nobody is told before it is on disk, and what comes meanwhile is stored meanwhile", async () => {
  const { wal, add, names, idle } = await opened();
  const first = Promise.withResolvers<void>();
  wal.sync.mockReturnValueOnce(first.promise);
  const told: string[] = [];
  const adding = add("a").then(() => told.push("a"));
  await vi.waitFor(() => expect(wal.sync).toHaveBeenCalledOnce());
  await add("b");
  expect(names()).toEqual(["a", "b"]);
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
  expect(names()).toEqual(["a", "c"]);
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
