import pg from "pg";
import { describe, expect, it } from "vitest";
import { call, connected, eventually, markerOf, objectOf, openConnector, password, startWire, versions } from "./world.ts";

describe.each(versions)("a transaction in doubt on the %s server", (version) => {
  const at = connected(version);

  describe("a transaction in doubt", () => {
    it("is in progress until its orphaned backend is ended, and then did not happen", async () => {
      const orphan = new pg.Client(at.server.connection("postgres", "writer", password));
      orphan.on("error", () => {});
      await orphan.connect();
      const marker = await markerOf(at.db);
      await orphan.query("begin; delete from app.item");
      const mine = await orphan.query("select pg_current_xact_id()::text as xid, pg_backend_pid() as pid");
      const outcome = await at.db.resolve({ ...marker, ...mine.rows[0] }, "writer");
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost", retryable: true } });
      await expect(orphan.query("select 1")).rejects.toThrow();
    });

    it("cannot be told while it is in progress and cannot be ended, and can be afterwards", async () => {
      const other = new pg.Client(at.server.connection());
      await other.connect();
      await other.query("begin");
      const { rows } = await other.query("select pg_current_xact_id()::text as xid, pg_backend_pid() as pid");
      const marker = { ...(await markerOf(at.db)), ...rows[0] };
      await expect(at.db.resolve(marker, "writer")).rejects.toMatchObject({ code: "target_unavailable", retryable: true });
      const stopped = at.db.resolve(marker, "writer", AbortSignal.timeout(200));
      await expect(stopped).rejects.toMatchObject({ code: "target_unavailable" });
      await other.query("commit");
      await other.end();
      expect(await at.db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
    });

    it.each([{ system: "1" }, { timeline: "0000000A" }, { epoch: "2020-01-01" }])(
      "is unknown on another incarnation of the server: %j",
      async (change) => {
        const { marker } = await call(at.db, "update item set name = name where id = 1");
        expect(await at.db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
        expect(await at.db.resolve({ ...objectOf(marker), ...change }, "writer")).toMatchObject({ state: "unknown" });
      },
    );

    it("is unknown for a marker that is none", async () => {
      for (const marker of [null, "x", [], {}, { xid: "1; drop table app.item", pid: 1, database: "postgres" }]) {
        expect(await at.db.resolve(marker, "writer")).toMatchObject({ state: "unknown" });
      }
    });

    it.each([
      ["after COMMIT reached the server", "pass and cut", "succeeded", 99],
      ["before COMMIT reached the server", "cut", "failed", 100],
      ["while the statement ran", "statement", "failed", 100],
    ] as const)("is looked up when the connection is lost %s", async (_, when, state, left) => {
      const wire = await startWire(at.server.port);
      const wired = openConnector(at.server, { address: `127.0.0.1:${wire.port}` });
      let cuts = 0;
      wire.onClient = (data) => {
        if (!data.includes(when === "statement" ? "delete from" : "commit\0")) return "pass";
        cuts++;
        return when === "statement" ? "pass and cut" : when;
      };
      const { outcome } = await call(wired, "delete from item where id = 77");
      expect(cuts).toBe(1);
      expect(outcome).toMatchObject(
        state === "succeeded" ? { state, commandTag: "DELETE 1" } : { state, failure: { code: "target_lost" } },
      );
      await eventually(async () => (await at.count()) === left, "the server has ended the transaction");
      await at.server.query("insert into app.item values (77, 'item 77') on conflict do nothing");
      await wired.close();
      wire.server.close();
    });

    it("does not go on for a client that has vanished", async () => {
      const wire = await startWire(at.server.port);
      const wired = openConnector(at.server, { address: `127.0.0.1:${wire.port}` });
      wire.onClient = (data) => {
        if (!data.includes("select pg_sleep(61)")) return "pass";
        setTimeout(() => wire.cutAll(), 100);
        return "pass";
      };
      const { outcome } = await call(wired, "select pg_sleep(61)", { readOnly: true });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
      const left = "select 1 from pg_stat_activity where query = 'select pg_sleep(61)'";
      await eventually(async () => (await at.server.query(left)).length === 0, "the server stops");
      await wired.close();
      wire.server.close();
    });

    it("is unknown when the connection is lost at COMMIT and nobody answers any more", async () => {
      const wire = await startWire(at.server.port);
      const wired = openConnector(at.server, { address: `127.0.0.1:${wire.port}`, pool: { connectTimeoutMs: 200 } });
      wire.onClient = (data) => {
        if (!data.includes("commit\0")) return "pass";
        wire.server.close();
        return "pass and cut";
      };
      const { outcome, marker } = await call(wired, "delete from item where id = 77");
      expect(outcome).toMatchObject({ state: "unknown", failure: { code: "unknown_outcome", retryable: false } });
      expect(await at.db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
      await at.server.query("insert into app.item values (77, 'item 77')");
      await wired.close();
    });
  });
});
