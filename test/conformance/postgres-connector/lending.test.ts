import { setTimeout as sleep } from "node:timers/promises";
import type { Connector, ResultChunk } from "@countersign/sidecar";
import { describe, expect, it } from "vitest";
import { call, connected, eventually, openConnector, versions } from "./world.ts";

describe.each(versions)("the connections of the PostgreSQL connector on the %s server", (version) => {
  const at = connected(version);

  describe("a stop", () => {
    it.each([true, false])("ends what runs (read: %s)", async (readOnly) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 150);
      const { outcome } = await call(at.db, "select pg_sleep(20)", { readOnly, signal: stop.signal });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
      expect(outcome.durationMs).toBeLessThan(2000);
    });

    it("ends what waits for a slow reader", async () => {
      const stop = new AbortController();
      const sink = () => {
        setTimeout(() => stop.abort(), 50);
        return new Promise<void>(() => {});
      };
      const { outcome } = await call(at.db, "select repeat('x', 1000) from generate_series(1, 100000)", {
        readOnly: true,
        signal: stop.signal,
        sink,
      });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
    });

    it("before it was sent sends nothing", async () => {
      const stop = new AbortController();
      const { outcome } = await call(at.db, "delete from item", { signal: stop.signal, prepared: () => stop.abort() });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
      expect(await at.count()).toBe(100);
    });

    it("that comes too late is told the truth", async () => {
      const stop = new AbortController();
      const sink = (chunk: ResultChunk) => {
        if (chunk.type === "rows") stop.abort();
      };
      const late = await call(at.db, "select 1", { readOnly: true, signal: stop.signal, sink });
      expect(late.outcome.state).toBe("succeeded");
    });

    it("because the caller is gone rolls a write back", async () => {
      const sink = () => Promise.reject(new Error("gone"));
      const { outcome } = await call(at.db, "delete from item where pg_sleep(0.005) is not null returning repeat(name, 1000)", {
        sink,
      });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
      expect(await at.count()).toBe(100);
    });
  });

  describe("pins", () => {
    it("outrank what the database and the login have set", async () => {
      await at.server.query("alter role reader set search_path = 'evil'");
      await at.server.query("alter role reader set standard_conforming_strings = off");
      await at.server.query("alter database postgres set datestyle = 'German'");
      await at.server.query("alter role reader in database postgres set client_encoding = 'LATIN1'");
      const fresh = openConnector(at.server);
      const ask = "select current_setting('search_path'), 'a\\', date '2024-02-29', current_setting('client_encoding'), 'ü'";
      const { rows } = await call(fresh, ask, { role: "reader", readOnly: true });
      expect(rows).toEqual([['"app", "pg_temp"', "a\\", "2024-02-29", "UTF8", "ü"]]);
      await fresh.close();
      await at.server.query("alter role reader reset all");
      await at.server.query("alter role reader in database postgres reset all");
      await at.server.query("alter database postgres reset all");
    });

    it.each([
      "set standard_conforming_strings = off",
      "set session characteristics as transaction read only",
      "set search_path = evil",
      "select set_config('search_path', 'evil', false)",
      "select set_config('standard_conforming_strings', 'off', false)",
      "select set_config('client_encoding', 'LATIN1', false)",
      "do $$ begin perform set_config('search_path', 'evil', false); end $$",
      "reset all",
      "discard all",
      "alter role writer set search_path = evil",
      "set role writer",
    ])("survive `%s` for the next call", async (statement) => {
      const single = openConnector(at.server, { pool: { max: 1 } });
      const ask =
        "select current_setting('search_path'), current_setting('standard_conforming_strings'), current_setting('client_encoding'), current_setting('transaction_read_only')";
      expect((await call(single, statement)).outcome.state).toBe("succeeded");
      const { rows } = await call(single, ask, { readOnly: true });
      expect(rows).toEqual([['"app", "pg_temp"', "on", "UTF8", "off"]]);
      await single.close();
      await at.server.query("alter role writer reset all");
    });

    it("that drift although classification saw only a read end the connection", async () => {
      const single = openConnector(at.server, { pool: { max: 1 } });
      const pid = async () => (await call(single, "select pg_backend_pid()", { readOnly: true })).rows[0]?.[0];
      const first = await pid();
      expect(await pid()).toBe(first);
      await call(single, "select set_config('standard_conforming_strings', 'off', false)", { readOnly: true });
      expect(await pid()).not.toBe(first);
      await single.close();
    });

    it("hold for schemas with odd names", async () => {
      await at.server.query('create schema "odd \\ ""one\'" authorization writer');
      const odd = openConnector(at.server, { searchPath: ["odd \\ \"one'", "app"] });
      const { rows } = await call(odd, "select current_schemas(false)", { readOnly: true });
      expect(rows).toEqual([['{"odd \\\\ \\"one\'",app}']]);
      await odd.close();
    });
  });

  describe("a pooled connection", () => {
    it.each([
      ["a temporary table", "create temp table item (id int)", "select count(*) from item", "100"],
      ["a listen", "listen news", "select count(*) from pg_listening_channels()", "0"],
      [
        "an advisory lock",
        "do $$ begin perform pg_advisory_lock(7); end $$",
        "select count(*) from pg_locks where locktype = 'advisory'",
        "0",
      ],
      ["a prepared statement", "prepare p as select 1", "select count(*) from pg_prepared_statements", "0"],
      ["a cursor", "declare c cursor with hold for select 1", "select count(*) from pg_cursors where name <> ''", "0"],
      [
        "a custom setting",
        "select set_config('my.secret', 'x', false)",
        "select coalesce(current_setting('my.secret', true), '')",
        "",
      ],
    ])("does not pass on %s", async (_, leave, look, expected) => {
      const single = openConnector(at.server, { pool: { max: 1 } });
      expect((await call(single, leave)).outcome).toMatchObject({ state: "succeeded" });
      expect((await call(single, look, { readOnly: true })).rows).toEqual([[expected]]);
      await single.close();
    });

    it("is cleaned of what a trigger of a plain INSERT left, and used again", async () => {
      await at.server.query(`create or replace function app.leave() returns trigger language plpgsql as $$ begin
        perform set_config('statement_timeout', '12345', false); perform pg_advisory_lock(8); create temp table item (id int); return new; end $$`);
      await at.server.query("create table app.leaky (id int)");
      await at.server.query("grant all on app.leaky to writer");
      await at.server.query("create trigger leaves before insert on app.leaky for each row execute function app.leave()");
      const single = openConnector(at.server, { pool: { max: 1 } });
      const before = await call(single, "select pg_backend_pid()", { readOnly: true });
      expect((await call(single, "insert into leaky values (1)")).outcome.state).toBe("succeeded");
      const look =
        "select pg_backend_pid(), current_setting('statement_timeout'), (select count(*) from item), (select count(*) from pg_locks where locktype = 'advisory')";
      const { rows } = await call(single, look, { readOnly: true });
      expect(rows).toEqual([[before.rows[0]?.[0], "0", "100", "0"]]);
      await single.close();
    });

    it("is shared by at most pool.max calls; the next waits its turn, or gives up", async () => {
      const two = openConnector(at.server, { pool: { max: 2, connectTimeoutMs: 300 } });
      const slow = () => call(two, "select pg_sleep(0.2)", { readOnly: true });
      const outcomes = await Promise.all([slow(), slow(), slow(), slow()]);
      expect(outcomes.map(({ outcome }) => outcome.state)).toEqual(Array(4).fill("succeeded"));
      const stop = new AbortController();
      const long = Array.from({ length: 2 }, () => call(two, "select pg_sleep(20)", { readOnly: true, signal: stop.signal }));
      await expect(slow()).rejects.toMatchObject({
        code: "target_unavailable",
        retryable: true,
        message: expect.stringContaining("pool.max"),
      });
      stop.abort();
      await Promise.all(long);
      await two.close();
    });

    it("is replaced when it was idle for too long or is too old", async () => {
      const brief = openConnector(at.server, { pool: { idleMs: 100 } });
      const pid = async (connector: Connector) =>
        (await call(connector, "select pg_backend_pid()", { readOnly: true })).rows[0]?.[0];
      const first = await pid(brief);
      await eventually(
        async () => (await at.server.query("select 1 from pg_stat_activity where pid = $1", [first])).length === 0,
        "idle end",
      );
      const old = openConnector(at.server, { pool: { lifetimeMs: 1 } });
      const one = await pid(old);
      await sleep(5);
      expect(await pid(old)).not.toBe(one);
      await Promise.all([brief.close(), old.close()]);
    });

    it("never meets DDL in between with a stale plan", async () => {
      await call(at.db, "create table shape (a int)");
      for (const type of ["text", "bigint", "text"]) {
        expect((await call(at.db, "select * from shape", { readOnly: true })).outcome.state).toBe("succeeded");
        await at.server.query(`alter table app.shape alter a type ${type} using null`);
      }
      expect((await call(at.db, "select * from shape", { readOnly: true })).outcome.state).toBe("succeeded");
    });
  });
});
