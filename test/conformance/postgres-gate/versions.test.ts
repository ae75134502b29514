import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer, PostgresVersion } from "../../harness/postgres.ts";
import { extended, message } from "../postgres-wire/messages.ts";
import { RawClient } from "../postgres-wire/raw-client.ts";
import { type GateWorld, openGateWorld, startGateServer } from "./world.ts";

describe.each<PostgresVersion>(["newest", "installed"])("PostgreSQL, %s: what depends on the version", (version) => {
  let server: PostgresServer;
  let world: GateWorld;
  beforeAll(async () => {
    server = await startGateServer(version);
    world = await openGateWorld(server);
  });
  afterAll(async () => {
    expect(world.defects).toEqual([]);
    await world[Symbol.asyncDispose]();
    await server.stop();
  });

  async function found(id: string) {
    for (let tries = 0; tries < 300; tries++) {
      const evidence = await world.plane.evidence.of((await world.plane.approvals.get(id)).request);
      if (evidence?.locks) return evidence;
      await sleep(10);
    }
    throw new Error("no locks were found out");
  }

  test("a function that newer servers have is known there, and anybody's on an older one", async () => {
    using direct = await RawClient.open(world.direct);
    const isNew = version === "newest";
    if (!isNew) await direct.ask(message.query("create function uuidv7() returns text language sql as $$ select 'mine' $$"));
    using client = await RawClient.open(world.door);
    // Before a session is lent, and after.
    for (const statement of ["select uuidv7()", "select 1", "select uuidv7() as again"]) {
      const types = (await client.ask(message.query(statement))).map(({ type }) => type).join("");
      expect([statement, types]).toEqual([statement, isNew || statement === "select 1" ? "TDCZ" : "EZ"]);
    }
  });

  test("pg-gucs: a view that sets the search path ends the session before another statement is read by it", async () => {
    using direct = await RawClient.open(world.direct);
    const made = [
      "create schema if not exists evil; create table if not exists evil.item as select 7 as id, 'of another table' as name",
      "create or replace view turns as select set_config('search_path', 'evil', false) as path",
    ];
    await direct.ask(message.query(made.join(";")));
    const query = [message.query("select path from turns"), message.query("select name from item where id = 7")];
    const pipeline = [extended("select path from turns"), extended("select name from item where id = 7"), message.sync()];
    for (const burst of [query, pipeline]) {
      using client = await RawClient.open(world.door);
      // The plain table is known by then.
      await client.ask(message.query("select name from item where id = 7"));
      await client.ask(message.query("select name from item where id = 7"));
      client.answers.length = 0;
      client.write(...burst);
      await client.end();
      const said = client.answers.map(({ body }) => body.toString("latin1")).join();
      expect(said).not.toContain("of another table");
      expect(said).toMatch(/search_path/);
    }
  });

  test("a hold inside of a transaction shows its approver what the transaction keeps from others, and who waits for it", async () => {
    using client = await RawClient.open(world.door);
    using other = await RawClient.open(world.direct);
    const before =
      "begin; lock table many in exclusive mode; update item set name = 'x' where id = 3; create table made (id int)";
    await client.ask(message.query(before));
    other.write(message.query("delete from item where id = 3"));
    client.write(message.query("delete from item where id = 3"));
    await client.until(({ type }) => type === "N");
    const { requestId } = (await world.held()).binding;
    const { locks, failure } = await found(requestId);
    expect(failure).toBeUndefined();
    expect(locks).toEqual(
      expect.arrayContaining([
        "ExclusiveLock on public.many",
        "RowExclusiveLock on public.item",
        "ExclusiveLock on the rows that it has changed",
        expect.stringMatching(/^AccessExclusiveLock on a relation that only it sees yet/),
        expect.stringMatching(/^1 other session waits for it already$/),
        expect.stringMatching(/^It has been open for \d+ s\.$/),
      ]),
    );
    expect(locks?.join()).not.toMatch(/pg_catalog|_pkey|virtualxid/);
    await world.deny(requestId);
    await client.ready();
    await client.ask(message.query("rollback"));
    await other.ready();
  });

  test("a hold inside of a transaction says so when that could not be found out", async () => {
    using client = await RawClient.open(world.door);
    await client.ask(message.query("begin; lock table many in exclusive mode"));
    await server.query("alter role writer nologin");
    client.write(message.query("delete from item where id = 4"));
    await client.until(({ type }) => type === "N");
    const { requestId } = (await world.held()).binding;
    const { locks, failure } = await found(requestId);
    await server.query("alter role writer login");
    expect(locks).toEqual([]);
    expect(failure).toMatch(/open transaction holds could not be found out/);
    await world.deny(requestId);
  });

  test("outside of a transaction nothing is asked", async () => {
    using client = await RawClient.open(world.door);
    client.write(message.query("delete from item where id = 4"));
    await client.until(({ type }) => type === "N");
    const { requestId } = (await world.held()).binding;
    await world.deny(requestId);
    await client.ready();
    expect((await world.records(requestId)).map(({ type }) => type)).not.toContain("evidence");
  });
});
