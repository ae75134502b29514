import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect, sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../../fixtures/plane.ts";
import { migrate, migrations } from "./migrate.ts";
import type { Migration } from "./migration.ts";
import type { Schema } from "./schema.ts";

function open() {
  const sqlite = new Database(join(temporaryFolder(), "test.db"));
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: sqlite }) });
  onTestFinished(() => db.destroy());
  return db;
}

const tables = async (db: Kysely<Schema>) => (await db.introspection.getTables()).map((table) => table.name).toSorted();
const versions = (db: Kysely<Schema>) => db.selectFrom("schema_version").select("version").execute();

test("an empty store comes to the newest version, and stays there", async () => {
  const db = open();
  await migrate(db, { bytes: "blob" }, "here");
  await migrate(db, { bytes: "blob" }, "here");
  expect(await tables(db)).toEqual(["events", "evidence", "requests", "schema_version", "standing", "votes"]);
  expect(await versions(db)).toEqual(migrations.map((_, index) => ({ version: index + 1 })));
});

test("a store of an earlier version gets the steps that it lacks", async () => {
  const db = open();
  await migrate(db, { bytes: "blob" }, "here");
  const next: Migration = (on) => on.schema.createTable("later").addColumn("id", "text").execute();
  await migrate(db, { bytes: "blob" }, "here", [...migrations, next]);
  expect(await tables(db)).toContain("later");
});

test("a step that fails leaves the version before it, whole", async () => {
  const db = open();
  const half: Migration = async (on) => {
    await on.schema.createTable("half").addColumn("id", "text").execute();
    throw new Error("power cut");
  };
  await expect(migrate(db, { bytes: "blob" }, "here", [...migrations, half])).rejects.toThrow("power cut");
  expect(await tables(db)).not.toContain("half");
  expect(await versions(db)).toHaveLength(migrations.length);
});

test("a store of a newer version is left alone", async () => {
  const db = open();
  await migrate(db, { bytes: "blob" }, "here");
  await expect(migrate(db, { bytes: "blob" }, "here", [])).rejects.toMatchObject({
    name: "ControlPlaneError",
    code: "store_too_new",
  });
});

test("from version 1: votes, their signatures and deadlines are as they were", async () => {
  const db = open();
  const [first] = migrations;
  if (first === undefined) throw new Error("there is a first version");
  await migrate(db, { bytes: "blob" }, "here", [first]);
  await sql`insert into requests (id, state, revision, sequence, created_ms, changed_ms, changed_by, deadline_ms, sidecar, principal_issuer, principal_subject, head, body)
    values ('req_1', 'pending', 2, 2, 5, 6, 'agent', 777, 'local', 'i', 's', x'', x'')`.execute(db);
  await sql`insert into votes values ('req_1', 2, 'idp', 'alice', '["dba","leads"]', 'sha256:0', 'approve', 'say "yes" – ok', 6, 'sig')`.execute(
    db,
  );
  await sql`insert into events values ('req_1', 2, 'vote', null, 6, 'alice')`.execute(db);
  await migrate(db, { bytes: "blob" }, "here");
  expect(await db.selectFrom("requests").select(["id", "wake_ms", "escalated_ms"]).execute()).toEqual([
    { id: "req_1", wake_ms: 777, escalated_ms: 0 },
  ]);
  const [vote] = await db.selectFrom("votes").selectAll().execute();
  expect({ ...vote, ballot: JSON.parse(vote?.ballot ?? "") }).toEqual({
    request_id: "req_1",
    person: "alice",
    sequence: 2,
    ballot: {
      requestId: "req_1",
      requestDigest: "sha256:0",
      approver: { issuer: "idp", subject: "alice", groups: ["dba", "leads"] },
      verdict: "approve",
      comment: 'say "yes" – ok',
      timeMs: 6,
    },
    signature: "sig",
  });
  expect(await db.selectFrom("events").selectAll().execute()).toMatchObject([{ sequence: 2, detail: null }]);
});
