import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { expect, onTestFinished, test } from "vitest";
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
  const write = groupCommit(db);
  const add = (name: string) => write((transaction) => transaction.insertInto("items").values({ name }).execute());
  const names = async () => (await db.selectFrom("items").select("name").orderBy("name").execute()).map(({ name }) => name);
  return { sqlite, write, add, names, commits };
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
