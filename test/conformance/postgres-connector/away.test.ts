import { writeFile } from "node:fs/promises";
import type { Json } from "@countersign/policy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PostgresServer, startPostgres } from "../../harness/postgres.ts";
import { call, eventually, objectOf, openConnector, world } from "./world.ts";

describe("a server that goes away", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ sql: world });
  });
  afterAll(() => server?.stop());

  it.each([
    ["a restart", () => server.restart()],
    [
      "kill -9",
      async () => {
        await server.kill();
        await server.restart();
      },
    ],
  ])("in mid-statement by %s fails the call as lost; the next one works", async (_, stroke) => {
    const db = openConnector(server);
    for (const readOnly of [true, false]) {
      const statement = readOnly ? "select pg_sleep(20)" : "with d as (delete from item) select pg_sleep(20)";
      const running = call(db, statement, { readOnly });
      await eventually(
        async () =>
          (await server.query("select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()"))
            .length > 0,
        "it runs",
      );
      await stroke();
      const { outcome } = await running;
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost", retryable: true } });
      expect((await call(db, "select count(*) from item", { readOnly: true })).rows).toEqual([["100"]]);
    }
    await db.close();
  });

  it("when one backend is killed, sends the others a clear end too", async () => {
    const db = openConnector(server);
    const running = call(db, "select pg_sleep(20)", { readOnly: true });
    await eventually(
      async () => (await server.query("select 1 from pg_stat_activity where query = 'select pg_sleep(20)'")).length > 0,
      "it runs",
    );
    const [backend] = await server.query("select pid from pg_stat_activity where query = 'select pg_sleep(20)'");
    process.kill(Number(backend?.pid), "SIGKILL");
    expect((await running).outcome).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
    await eventually(
      () =>
        server.query("select 1").then(
          () => true,
          () => false,
        ),
      "the server is back",
    );
    await db.close();
  });

  it("and comes back as a standby takes reads, and says why it takes no writes", async () => {
    const standby = await startPostgres({ sql: world, configuration: { fsync: "off" } });
    await standby.pause();
    await writeFile(`${standby.folder}/data/standby.signal`, "");
    await standby.restart();
    const db = openConnector(standby);
    expect((await call(db, "select count(*) from item", { readOnly: true })).rows).toEqual([["100"]]);
    await expect(call(db, "delete from item")).rejects.toMatchObject({ code: "target_error", targetCode: "25006" });
    await db.close();
    await standby.stop();
  });

  it("while idle is not noticed by the next call", async () => {
    const db = openConnector(server);
    await call(db, "select 1", { readOnly: true });
    await server.restart();
    expect((await call(db, "select 1", { readOnly: true })).outcome.state).toBe("succeeded");
    await db.close();
  });

  it("and is down is said to be down, until it is back", async () => {
    const db = openConnector(server);
    await server.pause();
    await expect(call(db, "select 1")).rejects.toMatchObject({ code: "target_unavailable", retryable: true });
    await expect(
      db.resolve({ xid: "1000", pid: 1, database: "postgres", system: null, timeline: null, epoch: null }, "writer"),
    ).rejects.toMatchObject({ code: "target_unavailable" });
    await server.restart();
    expect((await call(db, "select 1", { readOnly: true })).outcome.state).toBe("succeeded");
    await db.close();
  });

  it("after a crash gives the same transaction id to somebody else, whose commit is not mistaken for ours", async () => {
    const db = openConnector(server);
    let marker: Json = null;
    const { outcome } = await call(db, "delete from item", {
      prepared: async (prepared) => {
        marker = prepared;
        await server.kill();
        await server.restart();
      },
    });
    expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
    const [other] = await server.query("insert into app.item values (500, 'other') returning pg_current_xact_id()::text as xid");
    expect(other?.xid).toBe(objectOf(marker).xid);
    expect(await db.resolve(marker, "writer")).toMatchObject({ state: "unknown" });
    await db.close();
  });

  it("after a crash without the transaction's id in its log tells that it did not happen", async () => {
    const db = openConnector(server);
    const { marker } = await call(db, "update item set name = name where false", {
      prepared: async () => {
        await server.kill();
        await server.restart();
      },
    });
    const outcome = await db.resolve(marker, "writer");
    expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
    await db.close();
  });
});
