import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json, Limits, Outcome, PostgresParameter } from "@countersign/policy";
import type { Connector, ResultChunk, ResultSink } from "@countersign/sidecar";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeRows } from "../../packages/sidecar/src/protocols/postgres/codec.ts";
import { openPostgresConnector, postgresResourceSchema } from "../../packages/sidecar/src/protocols/postgres/index.ts";
import { testAuthority } from "../harness/certificate.ts";
import { installedPostgres, type PostgresServer, startPostgres } from "../harness/postgres.ts";

const password = "pw-writer-73";
const authority = testAuthority("db.test");

/** The world of these tests: a login that owns a schema, and one that only reads. */
const world = [
  `create role writer login password '${password}'`,
  "create role reader login password 'pw-reader-73'",
  "create schema app authorization writer",
  "grant usage on schema app to reader",
  "create table app.item (id int primary key, name text)",
  "insert into app.item select g, 'item ' || g from generate_series(1, 100) g",
  "alter table app.item owner to writer",
  "grant select on app.item to reader",
];

type Overrides = { [key: string]: unknown; env?: Record<string, string> };

function openConnector(server: PostgresServer, { env, ...overrides }: Overrides = {}): Connector {
  const resource = postgresResourceSchema.parse({
    name: "db",
    type: "postgres",
    address: `127.0.0.1:${server.port}`,
    database: "postgres",
    tls: "disable",
    searchPath: ["app"],
    roles: {
      writer: { user: "writer", password: { env: "WRITER" } },
      reader: { user: "reader", password: { env: "READER" } },
    },
    ...overrides,
  });
  const patience = { orphanMs: 300, giveUpMs: 1000, comebackMs: 2000 };
  return openPostgresConnector(resource, { folder: "/", env: env ?? { WRITER: password, READER: "pw-reader-73" }, patience });
}

interface CallOptions {
  readonly role?: string;
  readonly readOnly?: boolean;
  readonly parameters?: readonly PostgresParameter[];
  readonly limits?: Limits;
  readonly signal?: AbortSignal;
  readonly sink?: ResultSink;
  /** Runs between `prepare` and `run`. */
  readonly prepared?: (marker: Json) => void | Promise<void>;
}

interface Called {
  readonly outcome: Outcome;
  readonly marker: Json;
  readonly rows: (string | null)[][];
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly typeModifier: number }[];
}

/** One call as the guard makes it. */
async function call(connector: Connector, statement: string, options: CallOptions = {}): Promise<Called> {
  const { role = "writer", readOnly = false, parameters = [], limits = {}, signal = new AbortController().signal } = options;
  const rows: (string | null)[][] = [];
  let columns: Called["columns"] = [];
  const collect = (chunk: ResultChunk) => {
    if (chunk.type === "columns") columns = chunk.columns;
    else if (chunk.type === "rows") rows.push(...decodeRows(Buffer.from(chunk.data), chunk.count));
  };
  const dispatch = connector.dispatch({ kind: "postgres.query", statement, parameters }, role, limits, { signal, readOnly });
  try {
    const marker = await dispatch.prepare();
    await options.prepared?.(marker);
    const outcome = await dispatch.run(options.sink ?? collect);
    return { outcome, marker, rows, columns };
  } finally {
    await dispatch.close();
  }
}

async function eventually(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += 20) {
    if (waitedMs > 5000) throw new Error(`Did not happen: ${what}`);
    await sleep(20);
  }
}

/** A wire to a server that can be cut when something passes: before it arrives, or so that no answer comes back. */
interface Wire {
  port: number;
  onClient: (data: Buffer) => "pass" | "cut" | "pass and cut";
  cutAll: () => void;
  readonly server: Server;
}

async function startWire(port: number): Promise<Wire> {
  const wire: Wire = { port: 0, onClient: () => "pass", cutAll: () => {}, server: createServer() };
  wire.server.on("connection", (client) => {
    const upstream = connect(port, "127.0.0.1");
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on("error", cut);
      socket.on("close", cut);
    }
    wire.cutAll = cut;
    let mute = false;
    client.on("data", (data) => {
      const what = wire.onClient(data);
      if (what === "cut") return cut();
      upstream.write(data);
      if (what === "pass and cut") {
        mute = true;
        upstream.once("data", cut);
      }
    });
    upstream.on("data", (data) => {
      if (!mute) client.write(data);
    });
  });
  wire.server.listen(0, "127.0.0.1");
  await once(wire.server, "listening");
  const address = wire.server.address();
  if (typeof address === "object" && address) wire.port = address.port;
  return wire;
}

const versions = installedPostgres() ? (["newest", "installed"] as const) : (["newest"] as const);

describe.each(versions)("the PostgreSQL connector on the %s server", (version) => {
  let server: PostgresServer;
  let db: Connector;
  const count = async () => Number((await server.query("select count(*) from app.item"))[0]?.count);

  beforeAll(async () => {
    server = await startPostgres({ version, sql: world, tls: authority.server, configuration: { fsync: "off" } });
    db = openConnector(server);
  });
  afterAll(async () => {
    await db?.close();
    await server?.stop();
  });

  describe("results", () => {
    it("come with their columns, in text format, as PostgreSQL writes them", async () => {
      const { outcome, rows, columns, marker } = await call(
        db,
        `select 1::int2 as i, 9007199254740993::int8, 1.50::numeric(6,2), 'Zoë 🦉'::text, null::text, true, '\\x00ff'::bytea,
         timestamptz '2024-02-29 12:00:00.123456+02', date '0044-03-15 BC', '{"a": [1]}'::jsonb, array[1,null,3], interval '1 mon 2 days', 'NaN'::float8, ''::text, (1,'x')`,
        { readOnly: true },
      );
      expect(rows).toEqual([
        // biome-ignore format: one row
        ["1", "9007199254740993", "1.50", "Zoë 🦉", null, "t", "\\x00ff", "2024-02-29 10:00:00.123456+00", "0044-03-15 BC", '{"a": [1]}', "{1,NULL,3}", "1 mon 2 days", "NaN", "", "(1,x)"],
      ]);
      expect(columns[0]).toEqual({ name: "i", typeOid: 21, typeModifier: -1 });
      expect(columns[2]).toMatchObject({ typeOid: 1700, typeModifier: ((6 << 16) | 2) + 4 });
      expect(outcome).toMatchObject({ state: "succeeded", commandTag: "SELECT 1", rows: 1 });
      expect(marker).toBeNull();
    });

    it("may have no rows, or rows without columns", async () => {
      const none = await call(db, "select id, name from item where false", { readOnly: true });
      expect(none.columns.map(({ name }) => name)).toEqual(["id", "name"]);
      expect(none.outcome).toMatchObject({ state: "succeeded", rows: 0, bytes: 0 });
      const empty = await call(db, "select from item limit 3", { readOnly: true });
      expect(empty.rows).toEqual([[], [], []]);
    });

    it("take parameters as text, as binary and as NULL, with the types that the statement asks for", async () => {
      const { rows } = await call(db, "select $1::int + 1, $2::bytea, $3::text, $4::int8 - 1, $5::text", {
        readOnly: true,
        parameters: [
          { text: "41" },
          { binary: Buffer.from([0, 255, 92]).toString("base64url") },
          null,
          { binary: Buffer.from("0000000000000001", "hex").toString("base64url") },
          { text: "'; drop table item; --" },
        ],
      });
      expect(rows).toEqual([["42", "\\x00ff5c", null, "0", "'; drop table item; --"]]);
    });

    it("say how many rows a statement changed", async () => {
      const inserted = await call(db, "insert into item values (1001, 'a'), (1002, 'b') returning id");
      expect(inserted.outcome).toMatchObject({ state: "succeeded", commandTag: "INSERT 0 2", rowsAffected: 2, rows: 2 });
      const deleted = await call(db, "delete from item where id > 1000");
      expect(deleted.outcome).toMatchObject({ state: "succeeded", commandTag: "DELETE 2", rowsAffected: 2, rows: 0 });
    });
  });

  describe("bad input", () => {
    it.each([
      ["several statements in one string", "select 1; drop table item", "target_error", "42601"],
      ["a syntax error", "selec 1", "target_error", "42601"],
      ["an unknown table", "select * from nowhere", "target_error", "42P01"],
      ["a parameter that is missing", "select $1::int", "target_error", "08P01"],
      ["no statement", "-- nothing", "invalid_operation", undefined],
      ["COPY to the client", "copy item to stdout", "invalid_operation", undefined],
      ["COPY from the client", "copy item from stdin", "invalid_operation", undefined],
    ])("%s fails and leaves the connection usable", async (_, statement, code, targetCode) => {
      for (const readOnly of [true, false]) {
        const { outcome } = await call(db, statement, { readOnly });
        expect(outcome).toMatchObject({ state: "failed", failure: { code } });
        expect(outcome.failure?.targetCode).toBe(targetCode);
      }
      expect((await call(db, "select 1", { readOnly: true })).outcome.state).toBe("succeeded");
      expect(await count()).toBe(100);
    });

    it.each([
      ["transaction control", "/* x */ begin", []],
      ["a NUL byte", "select 1\0; drop table item", []],
      ["a lone surrogate", "select '\ud800'", []],
      ["a parameter that is not base64url", "select $1::bytea", [{ binary: "a=" }]],
    ])("%s is refused before anything is sent", async (_, statement, parameters) => {
      const refused = call(db, statement, { parameters });
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^invalid_(operation|parameter)$/) });
    });

    it("a wrong type of parameter fails with the server's words", async () => {
      const { outcome } = await call(db, "select $1::int", { readOnly: true, parameters: [{ text: "seven" }] });
      expect(outcome.failure).toMatchObject({
        code: "target_error",
        targetCode: "22P02",
        message: expect.stringContaining("seven"),
      });
    });
  });

  describe("writes", () => {
    it("happen only with COMMIT, and their marker tells that they did", async () => {
      const { outcome, marker } = await call(db, "update item set name = 'x' where id = 1", {
        prepared: async () => expect((await server.query("select name from app.item where id = 1"))[0]?.name).toBe("item 1"),
      });
      expect(outcome.state).toBe("succeeded");
      expect(await db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
    });

    it("that fail leave nothing, and their marker tells that they did not happen", async () => {
      const { outcome, marker } = await call(db, "insert into item select g, 'y' from generate_series(200, 1, -1) g");
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "23505" } });
      expect(await db.resolve(marker, "writer")).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
      expect(await count()).toBe(100);
    });

    it("that break a deferred constraint fail at COMMIT", async () => {
      await call(db, "create table deferred (id int unique deferrable initially deferred)");
      const { outcome, marker } = await call(db, "insert into deferred values (1), (1)");
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "23505" } });
      expect(await db.resolve(marker, "writer")).toMatchObject({ state: "failed" });
      expect(await server.query("select * from app.deferred")).toEqual([]);
    });

    it("that commit by themselves are refused by the server and change nothing", async () => {
      await call(db, "create procedure sneaky() language plpgsql as $$ begin delete from app.item; commit; end $$");
      for (const statement of ["do $$ begin delete from app.item; commit; end $$", "call sneaky()"]) {
        const { outcome } = await call(db, statement);
        expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "2D000" } });
      }
      expect(await count()).toBe(100);
    });

    it("that PostgreSQL runs only outside a transaction are run so, without a marker", async () => {
      for (const statement of [
        "vacuum item",
        "create index concurrently by_name on item (name)",
        "drop index concurrently by_name",
      ]) {
        const { outcome, marker } = await call(db, statement);
        expect(outcome, statement).toMatchObject({ state: "succeeded" });
        expect(marker).toBeNull();
      }
      expect(await db.resolve(null, "writer")).toMatchObject({ state: "unknown" });
    });

    it("need their role's own privileges", async () => {
      const { outcome } = await call(db, "delete from item", { role: "reader" });
      expect(outcome).toMatchObject({ state: "failed", failure: { targetCode: "42501" } });
    });
  });

  describe("limits", () => {
    const stream = "select generate_series(1, 5000000), repeat('x', 100)";

    it.each([
      ["rows", { rows: 1234 }, "1234 rows"],
      ["bytes", { bytes: 100_000 }, "100000 bytes"],
      ["time", { timeMs: 100 }, "100 ms"],
    ])("on %s end a read on the stream", async (_, limits: Limits, named) => {
      const { outcome, rows } = await call(db, stream, { readOnly: true, limits });
      expect(outcome).toMatchObject({
        state: "failed",
        failure: { code: "limit_exceeded", message: expect.stringContaining(named) },
      });
      expect(outcome.rows).toBe(rows.length);
      if (limits.rows) expect(rows).toHaveLength(limits.rows);
      if (limits.bytes) expect(outcome.bytes).toBeLessThanOrEqual(limits.bytes);
      if (limits.bytes) expect(outcome.bytes).toBeGreaterThan(limits.bytes - 200);
      const mine = "select 1 from pg_stat_activity where state = 'active' and query like 'select generate_series%'";
      await eventually(async () => (await server.query(mine)).length === 0, "the server stops");
    });

    it("are no limit for a result that just meets them", async () => {
      const { outcome } = await call(db, "select id from item", { readOnly: true, limits: { rows: 100 } });
      expect(outcome).toMatchObject({ state: "succeeded", rows: 100 });
    });

    it("on rows roll a write back", async () => {
      const { outcome, rows } = await call(db, "delete from item returning id", { limits: { rows: 5 } });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" } });
      expect(rows).toHaveLength(5);
      expect(await count()).toBe(100);
    });

    it("on time end a statement that gives no rows, and a write is rolled back", async () => {
      const { outcome } = await call(db, "with gone as (delete from item) select pg_sleep(20)", { limits: { timeMs: 150 } });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" } });
      expect(outcome.durationMs).toBeLessThan(3000);
      expect(await count()).toBe(100);
    });

    it("keep a row above them from being received at all", async () => {
      const before = process.memoryUsage().rss;
      const { outcome, rows } = await call(db, "select repeat('x', 50000000)", { readOnly: true, limits: { bytes: 1000 } });
      expect(outcome).toMatchObject({
        state: "failed",
        failure: { code: "limit_exceeded", message: expect.stringContaining("1000 bytes") },
      });
      expect(rows).toEqual([]);
      expect(process.memoryUsage().rss - before).toBeLessThan(30_000_000);
      const huge = await call(db, "select repeat('x', 70000000)", { readOnly: true });
      expect(huge.outcome).toMatchObject({
        state: "failed",
        failure: { code: "limit_exceeded", message: expect.stringContaining("row") },
      });
    });
  });

  describe("a stop", () => {
    it.each([true, false])("ends what runs (read: %s)", async (readOnly) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 150);
      const { outcome } = await call(db, "select pg_sleep(20)", { readOnly, signal: stop.signal });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
      expect(outcome.durationMs).toBeLessThan(2000);
    });

    it("ends what waits for a slow reader", async () => {
      const stop = new AbortController();
      const sink = () => {
        setTimeout(() => stop.abort(), 50);
        return new Promise<void>(() => {});
      };
      const { outcome } = await call(db, "select repeat('x', 1000) from generate_series(1, 100000)", {
        readOnly: true,
        signal: stop.signal,
        sink,
      });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
    });

    it("before it was sent sends nothing", async () => {
      const stop = new AbortController();
      const { outcome } = await call(db, "delete from item", { signal: stop.signal, prepared: () => stop.abort() });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
      expect(await count()).toBe(100);
    });

    it("that comes too late is told the truth", async () => {
      const stop = new AbortController();
      const sink = (chunk: ResultChunk) => {
        if (chunk.type === "rows") stop.abort();
      };
      const late = await call(db, "select 1", { readOnly: true, signal: stop.signal, sink });
      expect(late.outcome.state).toBe("succeeded");
    });

    it("because the caller is gone rolls a write back", async () => {
      const sink = () => Promise.reject(new Error("gone"));
      const { outcome } = await call(db, "delete from item where pg_sleep(0.005) is not null returning repeat(name, 1000)", {
        sink,
      });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
      expect(await count()).toBe(100);
    });
  });

  it("holds the server back when the reader is slow, so that memory stays flat", async () => {
    const before = process.memoryUsage().rss;
    let stalled = false;
    let grown = 0;
    const waiting = "select 1 from pg_stat_activity where query like 'select repeat(''s''%' and wait_event = 'ClientWrite'";
    const sink = async (chunk: ResultChunk) => {
      if (chunk.type === "columns" || stalled) return;
      stalled = true;
      for (let seen = 0; seen < 5; seen++)
        await eventually(async () => (await server.query(waiting)).length === 1, "the server waits");
      grown = process.memoryUsage().rss - before;
    };
    const { outcome } = await call(db, "select repeat('s', 1000) from generate_series(1, 300000)", { readOnly: true, sink });
    expect(outcome).toMatchObject({ state: "succeeded", rows: 300_000, bytes: 300_000 * 1006 });
    expect(grown).toBeLessThan(100_000_000);
  });

  describe("pins", () => {
    it("outrank what the database and the login have set", async () => {
      await server.query("alter role reader set search_path = 'evil'");
      await server.query("alter role reader set standard_conforming_strings = off");
      await server.query("alter database postgres set datestyle = 'German'");
      await server.query("alter role reader in database postgres set client_encoding = 'LATIN1'");
      const fresh = openConnector(server);
      const ask = "select current_setting('search_path'), 'a\\', date '2024-02-29', current_setting('client_encoding'), 'ü'";
      const { rows } = await call(fresh, ask, { role: "reader", readOnly: true });
      expect(rows).toEqual([['"app", "pg_temp"', "a\\", "2024-02-29", "UTF8", "ü"]]);
      await fresh.close();
      await server.query("alter role reader reset all");
      await server.query("alter role reader in database postgres reset all");
      await server.query("alter database postgres reset all");
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
      const single = openConnector(server, { pool: { max: 1 } });
      const ask =
        "select current_setting('search_path'), current_setting('standard_conforming_strings'), current_setting('client_encoding'), current_setting('transaction_read_only')";
      expect((await call(single, statement)).outcome.state).toBe("succeeded");
      const { rows } = await call(single, ask, { readOnly: true });
      expect(rows).toEqual([['"app", "pg_temp"', "on", "UTF8", "off"]]);
      await single.close();
      await server.query("alter role writer reset all");
    });

    it("that drift although classification saw only a read end the connection", async () => {
      const single = openConnector(server, { pool: { max: 1 } });
      const pid = async () => (await call(single, "select pg_backend_pid()", { readOnly: true })).rows[0]?.[0];
      const first = await pid();
      expect(await pid()).toBe(first);
      await call(single, "select set_config('standard_conforming_strings', 'off', false)", { readOnly: true });
      expect(await pid()).not.toBe(first);
      await single.close();
    });

    it("hold for schemas with odd names", async () => {
      await server.query('create schema "odd \\ ""one\'" authorization writer');
      const odd = openConnector(server, { searchPath: ["odd \\ \"one'", "app"] });
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
      const single = openConnector(server, { pool: { max: 1 } });
      expect((await call(single, leave)).outcome).toMatchObject({ state: "succeeded" });
      expect((await call(single, look, { readOnly: true })).rows).toEqual([[expected]]);
      await single.close();
    });

    it("is cleaned of what a trigger of a plain INSERT left, and used again", async () => {
      await server.query(`create or replace function app.leave() returns trigger language plpgsql as $$ begin
        perform set_config('statement_timeout', '12345', false); perform pg_advisory_lock(8); create temp table item (id int); return new; end $$`);
      await server.query("create table app.leaky (id int)");
      await server.query("grant all on app.leaky to writer");
      await server.query("create trigger leaves before insert on app.leaky for each row execute function app.leave()");
      const single = openConnector(server, { pool: { max: 1 } });
      const before = await call(single, "select pg_backend_pid()", { readOnly: true });
      expect((await call(single, "insert into leaky values (1)")).outcome.state).toBe("succeeded");
      const look =
        "select pg_backend_pid(), current_setting('statement_timeout'), (select count(*) from item), (select count(*) from pg_locks where locktype = 'advisory')";
      const { rows } = await call(single, look, { readOnly: true });
      expect(rows).toEqual([[before.rows[0]?.[0], "0", "100", "0"]]);
      await single.close();
    });

    it("is shared by at most pool.max calls; the next waits its turn, or gives up", async () => {
      const two = openConnector(server, { pool: { max: 2, connectTimeoutMs: 300 } });
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
      const brief = openConnector(server, { pool: { idleMs: 100 } });
      const pid = async (connector: Connector) =>
        (await call(connector, "select pg_backend_pid()", { readOnly: true })).rows[0]?.[0];
      const first = await pid(brief);
      await eventually(
        async () => (await server.query("select 1 from pg_stat_activity where pid = $1", [first])).length === 0,
        "idle end",
      );
      const old = openConnector(server, { pool: { lifetimeMs: 1 } });
      const one = await pid(old);
      await sleep(5);
      expect(await pid(old)).not.toBe(one);
      await Promise.all([brief.close(), old.close()]);
    });

    it("never meets DDL in between with a stale plan", async () => {
      await call(db, "create table shape (a int)");
      for (const type of ["text", "bigint", "text"]) {
        expect((await call(db, "select * from shape", { readOnly: true })).outcome.state).toBe("succeeded");
        await server.query(`alter table app.shape alter a type ${type} using null`);
      }
      expect((await call(db, "select * from shape", { readOnly: true })).outcome.state).toBe("succeeded");
    });
  });

  describe("connecting", () => {
    it("tells a wrong password from an unknown database, a closed port and a name that does not resolve", async () => {
      const wrong = openConnector(server, { env: { WRITER: "wrong-9", READER: "x" } });
      const failure = await call(wrong, "select 1").catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "target_credentials", targetCode: "28P01", retryable: false });
      expect(String(failure)).not.toContain("wrong-9");
      await expect(call(openConnector(server, { env: {} }), "select 1")).rejects.toMatchObject({ code: "target_credentials" });
      await expect(call(openConnector(server, { database: "none" }), "select 1")).rejects.toMatchObject({
        code: "target_unavailable",
        targetCode: "3D000",
        retryable: false,
      });
      await expect(call(openConnector(server, { address: "127.0.0.1:1" }), "select 1")).rejects.toMatchObject({
        code: "target_unavailable",
        retryable: true,
      });
      const nowhere = openConnector(server, { address: "db.invalid:5432", allowInsecure: true });
      await expect(call(nowhere, "select 1")).rejects.toMatchObject({ code: "target_unavailable" });
    });

    it("takes up a changed password without a restart", async () => {
      const env = { WRITER: password, READER: "rotated-1" };
      const rotating = openConnector(server, { env });
      await expect(call(rotating, "select 1", { role: "reader" })).rejects.toMatchObject({ code: "target_credentials" });
      env.READER = "pw-reader-73";
      expect((await call(rotating, "select 1", { role: "reader", readOnly: true })).outcome.state).toBe("succeeded");
      await rotating.close();
    });

    it("gives up on a server that says nothing", async () => {
      const silent = createServer(() => {}).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const address = silent.address();
      const port = typeof address === "object" && address ? address.port : 0;
      const mute = openConnector(server, { address: `127.0.0.1:${port}`, pool: { connectTimeoutMs: 200 } });
      await expect(call(mute, "select 1")).rejects.toMatchObject({
        code: "target_unavailable",
        retryable: true,
        message: expect.stringContaining("timeout"),
      });
      silent.close();
    });

    it("does not give its password to a server that asks for it without TLS", async () => {
      let received = "";
      const thief = createServer((socket) => {
        socket.once("data", () => socket.write(Buffer.from("R\0\0\0\x08\0\0\0\x03")));
        socket.on("data", (data) => {
          received += data.toString("latin1");
        });
        socket.on("error", () => {});
      }).listen(0, "127.0.0.1");
      await once(thief, "listening");
      const address = thief.address();
      const port = typeof address === "object" && address ? address.port : 0;
      const robbed = openConnector(server, { address: `127.0.0.1:${port}` });
      await expect(call(robbed, "select 1")).rejects.toMatchObject({
        code: "target_credentials",
        message: expect.stringContaining("SCRAM"),
      });
      expect(received).not.toContain(password);
      thief.close();
    });

    it("reaches a server on its Unix socket", async () => {
      const local = openConnector(server, { address: `${server.folder}/.s.PGSQL.${server.port}` });
      expect((await call(local, "select 1", { readOnly: true })).outcome.state).toBe("succeeded");
      expect(local.target("writer").address).toBe(`${server.folder}/.s.PGSQL.${server.port}`);
      await local.close();
    });

    it("checks a certificate for its authority and its name, and cancels over TLS too", async () => {
      const tls = { mode: "verify-full", ca: authority.ca, serverName: "db.test" };
      const secure = openConnector(server, { tls });
      const { rows } = await call(secure, "select ssl from pg_stat_ssl where pid = pg_backend_pid()", { readOnly: true });
      expect(rows).toEqual([["t"]]);
      const timed = await call(secure, "select pg_sleep(20)", { readOnly: true, limits: { timeMs: 100 } });
      expect(timed.outcome).toMatchObject({ failure: { code: "limit_exceeded" } });
      expect(timed.outcome.durationMs).toBeLessThan(2000);
      await secure.close();
      for (const wrong of [{ ...tls, serverName: "other.test" }, { ...tls, ca: testAuthority("db.test").ca }, "verify-full"]) {
        const failure = await call(openConnector(server, { tls: wrong }), "select 1").catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "target_unavailable", retryable: false, message: expect.stringContaining("TLS") });
      }
    });
  });

  it("has an identity that changes with everything that decides what runs where", () => {
    const base = openConnector(server).target("writer");
    expect(base).toMatchObject({ type: "postgres", database: "postgres", user: "writer", tls: "disable" });
    const others = [
      openConnector(server).target("reader"),
      openConnector(server, { database: "other" }).target("writer"),
      openConnector(server, { address: "127.0.0.1:1" }).target("writer"),
      openConnector(server, { searchPath: ["app", "public"] }).target("writer"),
      openConnector(server, { tls: { mode: "verify-full", ca: authority.ca } }).target("writer"),
      openConnector(server, { tls: { mode: "verify-full", ca: testAuthority("x").ca } }).target("writer"),
      openConnector(server, { tls: { mode: "verify-full", ca: authority.ca, serverName: "db.test" } }).target("writer"),
    ];
    expect(new Set([base, ...others].map((target) => JSON.stringify(target))).size).toBe(others.length + 1);
  });

  describe("a transaction in doubt", () => {
    it("is in progress until its orphaned backend is ended, and then did not happen", async () => {
      const orphan = new pg.Client(server.connection("postgres", "writer", password));
      orphan.on("error", () => {});
      await orphan.connect();
      const marker = await markerOf(db);
      await orphan.query("begin; delete from app.item");
      const mine = await orphan.query("select pg_current_xact_id()::text as xid, pg_backend_pid() as pid");
      const outcome = await db.resolve({ ...marker, ...mine.rows[0] }, "writer");
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost", retryable: true } });
      await expect(orphan.query("select 1")).rejects.toThrow();
    });

    it("cannot be told while it is in progress and cannot be ended, and can be afterwards", async () => {
      const other = new pg.Client(server.connection());
      await other.connect();
      await other.query("begin");
      const { rows } = await other.query("select pg_current_xact_id()::text as xid, pg_backend_pid() as pid");
      const marker = { ...(await markerOf(db)), ...rows[0] };
      await expect(db.resolve(marker, "writer")).rejects.toMatchObject({ code: "target_unavailable", retryable: true });
      const stopped = db.resolve(marker, "writer", AbortSignal.timeout(200));
      await expect(stopped).rejects.toMatchObject({ code: "target_unavailable" });
      await other.query("commit");
      await other.end();
      expect(await db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
    });

    it.each([{ system: "1" }, { timeline: "0000000A" }, { epoch: "2020-01-01" }])(
      "is unknown on another incarnation of the server: %j",
      async (change) => {
        const { marker } = await call(db, "update item set name = name where id = 1");
        expect(await db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
        expect(await db.resolve({ ...objectOf(marker), ...change }, "writer")).toMatchObject({ state: "unknown" });
      },
    );

    it("is unknown for a marker that is none", async () => {
      for (const marker of [null, "x", [], {}, { xid: "1; drop table app.item", pid: 1, database: "postgres" }]) {
        expect(await db.resolve(marker, "writer")).toMatchObject({ state: "unknown" });
      }
    });

    it.each([
      ["after COMMIT reached the server", "pass and cut", "succeeded", 99],
      ["before COMMIT reached the server", "cut", "failed", 100],
      ["while the statement ran", "statement", "failed", 100],
    ] as const)("is looked up when the connection is lost %s", async (_, when, state, left) => {
      const wire = await startWire(server.port);
      const wired = openConnector(server, { address: `127.0.0.1:${wire.port}` });
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
      await eventually(async () => (await count()) === left, "the server has ended the transaction");
      await server.query("insert into app.item values (77, 'item 77') on conflict do nothing");
      await wired.close();
      wire.server.close();
    });

    it("does not go on for a client that has vanished", async () => {
      const wire = await startWire(server.port);
      const wired = openConnector(server, { address: `127.0.0.1:${wire.port}` });
      wire.onClient = (data) => {
        if (!data.includes("select pg_sleep(61)")) return "pass";
        setTimeout(() => wire.cutAll(), 100);
        return "pass";
      };
      const { outcome } = await call(wired, "select pg_sleep(61)", { readOnly: true });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
      const left = "select 1 from pg_stat_activity where query = 'select pg_sleep(61)'";
      await eventually(async () => (await server.query(left)).length === 0, "the server stops");
      await wired.close();
      wire.server.close();
    });

    it("is unknown when the connection is lost at COMMIT and nobody answers any more", async () => {
      const wire = await startWire(server.port);
      const wired = openConnector(server, { address: `127.0.0.1:${wire.port}`, pool: { connectTimeoutMs: 200 } });
      wire.onClient = (data) => {
        if (!data.includes("commit\0")) return "pass";
        wire.server.close();
        return "pass and cut";
      };
      const { outcome, marker } = await call(wired, "delete from item where id = 77");
      expect(outcome).toMatchObject({ state: "unknown", failure: { code: "unknown_outcome", retryable: false } });
      expect(await db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
      await server.query("insert into app.item values (77, 'item 77')");
      await wired.close();
    });
  });
});

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

async function markerOf(db: Connector): Promise<{ readonly [key: string]: Json | undefined }> {
  return objectOf((await call(db, "update item set name = name where id = 1")).marker);
}

function objectOf(marker: Json): { readonly [key: string]: Json | undefined } {
  if (typeof marker !== "object" || marker === null || Array.isArray(marker)) throw new TypeError("No marker");
  return marker as { readonly [key: string]: Json | undefined };
}
