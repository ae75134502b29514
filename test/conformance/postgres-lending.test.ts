import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  openPostgresConnector,
  type PostgresTarget,
  postgresResourceSchema,
} from "../../packages/sidecar/src/protocols/postgres/index.ts";
import { testAuthority } from "../harness/certificate.ts";
import { type PostgresServer, startPostgres } from "../harness/postgres.ts";
import { asks, Borrowed } from "./postgres-entry/borrowed.ts";
import { startInterceptor, withoutBinding } from "./postgres-entry/interceptor.ts";

const authority = testAuthority("db.test");
const env = { READER: "pw-reader-62" };

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({
    tls: { certificate: authority.server.certificate, key: authority.server.key, clientCa: authority.ca },
    access: ["hostssl all certified 127.0.0.1/32 cert", "host all all 127.0.0.1/32 scram-sha-256"],
    sql: [`create role reader login password '${env.READER}'`, "create role certified login", "create schema app"],
  });
});
afterAll(() => server.stop());

/** Opens the way to the server, with more or other settings of the resource. */
function open(
  more: Readonly<Record<string, unknown>> = {},
  secrets: Readonly<Record<string, string>> = {},
): PostgresTarget & AsyncDisposable {
  const resource = postgresResourceSchema.parse({
    name: "db",
    type: "postgres",
    address: `127.0.0.1:${server.port}`,
    database: "postgres",
    tls: "disable",
    roles: { reader: { user: "reader", password: { env: "READER" } } },
    ...more,
  });
  const target = openPostgresConnector(resource, { folder: "/", env: { ...env, ...secrets } });
  return Object.assign(target, { [Symbol.asyncDispose]: () => target.close() });
}

describe("a lent session", () => {
  it("is clean for the next client, whatever the last one did", async () => {
    await using target = open({ pool: { sessions: { max: 1 } } });
    const first = await Borrowed.from(target);
    const pid = await first.query("select pg_backend_pid()::text");
    await first.query(
      "create temp table pg_class (id int); prepare p as select 1; listen news; set datestyle to german; select pg_advisory_lock(7)",
    );
    await first.query(
      "set standard_conforming_strings = off; begin; declare c cursor with hold for select 1; commit; begin; set local lock_timeout = 1",
    );
    first.back("reset", "T");
    const second = await Borrowed.from(target, {}, "another");
    expect(await second.query("select pg_backend_pid()::text")).toBe(pid);
    const left = `select concat_ws(' ', (select count(*) from pg_prepared_statements), (select count(*) from pg_cursors), (select count(*) from pg_listening_channels()),
      (select count(*) from pg_locks where locktype = 'advisory'), current_setting('datestyle'), current_setting('standard_conforming_strings'),
      current_setting('lock_timeout'), (select count(*) from pg_catalog.pg_class where relpersistence = 't' and relname = 'pg_class'))`;
    expect(await second.query(left)).toBe("0 0 0 0 ISO, MDY on 0 0");
    second.back("keep");
  });

  it("is ended after its client where that is asked for, or where nothing takes back what it did", async () => {
    for (const [more, afterwards] of [
      [{ exclusive: true }, "keep"],
      [{}, "end"],
    ] as const) {
      await using target = open({ pool: { sessions: { max: 1, ...more } } });
      const first = await Borrowed.from(target);
      const pid = await first.query("select pg_backend_pid()::text");
      first.back(afterwards);
      const second = await Borrowed.from(target);
      expect(await second.query("select pg_backend_pid()::text")).not.toBe(pid);
      second.back("keep");
    }
  });

  it("that is busy when its client leaves is cancelled, and its transaction rolled back", async () => {
    await using target = open();
    const gone = await Borrowed.from(target);
    await gone.query("begin");
    gone.session.write(asks.query("select pg_sleep(30)"));
    const running = "select 1 from pg_stat_activity where query = 'select pg_sleep(30)'";
    while ((await server.query(`${running} and state = 'active'`)).length === 0) await sleep(20);
    gone.back("keep", "busy");
    const startedMs = Date.now();
    while ((await server.query(running)).length > 0) await sleep(20);
    expect(Date.now() - startedMs).toBeLessThan(1500);
    expect(gone.closings).toBe(0);
  });

  it("tells when the server ends it", async () => {
    await using target = open();
    const lost = await Borrowed.from(target);
    const pid = await lost.query("select pg_backend_pid()::text");
    await server.query("select pg_terminate_backend($1)", [pid]);
    while (lost.closings === 0) await sleep(5);
    expect(lost.messages.at(-1)?.body.toString()).toContain("57P01");
    lost.back("end");
    expect(lost.closings).toBe(1);
    const next = await Borrowed.from(target);
    expect(await next.query("select 1::text")).toBe("1");
    next.back("keep");
  });

  it("serves only clients of the same settings, and makes room for others", async () => {
    await using target = open({ pool: { sessions: { max: 2 } } });
    const pids = new Map<string, string | null | undefined>();
    for (const zone of ["UTC", "Asia/Tokyo", "Europe/Paris", "UTC"]) {
      const borrowed = await Borrowed.from(target, { TimeZone: zone });
      expect(await borrowed.query("select current_setting('TimeZone')")).toBe(zone);
      expect(borrowed.session.statuses.get("TimeZone")).toBe(zone);
      pids.set(zone, await borrowed.query("select pg_backend_pid()::text"));
      borrowed.back("keep");
    }
    const again = await Borrowed.from(target, { TimeZone: "UTC" });
    expect(await again.query("select pg_backend_pid()::text")).toBe(pids.get("UTC"));
    again.back("keep");
  });

  it("is one of few: a principal has its share, and waits are bounded", async () => {
    await using target = open({ pool: { connectTimeoutMs: 300, sessions: { max: 2, perPrincipal: 1 } } });
    const [one, two] = [await Borrowed.from(target, {}, "one"), await Borrowed.from(target, {}, "two")];
    await expect(Borrowed.from(target, {}, "one")).rejects.toMatchObject({ code: "too_many_requests", retryable: true });
    await expect(Borrowed.from(target, {}, "three")).rejects.toMatchObject({ code: "target_unavailable", retryable: true });
    const waiting = Borrowed.from(target, {}, "three");
    one.back("reset");
    (await waiting).back("keep");
    (await Borrowed.from(target, {}, "one")).back("keep");
    two.back("keep");
  });
});

describe("pins (THREATS.md pg-gucs)", () => {
  it.each([
    ["set standard_conforming_strings = off", "standard_conforming_strings"],
    ["set backslash_quote = on", "backslash_quote"],
    ["set search_path = app", "search_path"],
    ["select set_config('search_path', 'app', false)", "search_path"],
    ["set client_encoding = 'LATIN1'", "client_encoding"],
    ["begin; set local transform_null_equals = on", "transform_null_equals"],
  ])("are read again when they may have changed: %s", async (sql, name) => {
    await using target = open();
    const borrowed = await Borrowed.from(target);
    await borrowed.session.checkPins();
    await borrowed.query(sql);
    await expect(borrowed.session.checkPins()).rejects.toThrow(`db does not keep the setting ${name}`);
    borrowed.back("end");
  });

  it("are read without a trace in the client's session", async () => {
    await using target = open();
    const borrowed = await Borrowed.from(target);
    await borrowed.query("listen news");
    await borrowed.say(asks.parse("select 'unnamed'"), asks.sync);
    borrowed.messages = [];
    const notifying = server.query("notify news, 'in the meantime'");
    for (let time = 0; time < 50; time++) await borrowed.session.checkPins();
    await notifying;
    await borrowed.session.checkPins();
    expect(borrowed.messages.map(({ type }) => type)).toEqual(["A"]);
    expect((await borrowed.say(asks.bind, asks.execute, asks.sync)).map(({ type }) => type).join("")).toBe("2DCZ");
    expect(await borrowed.query("begin; set transaction isolation level serializable; select 'begun'")).toBe("begun");
    await borrowed.query("rollback; begin");
    await borrowed.session.checkPins();
    expect(await borrowed.query("set transaction isolation level serializable")).toBeUndefined();
    borrowed.back("reset", "T");
  });

  it("show in what the server reports", async () => {
    await using target = open();
    const { session } = await Borrowed.from(target);
    expect(session.drifted("standard_conforming_strings", "off")).toBe(true);
    expect(session.drifted("session_authorization", "postgres")).toBe(true);
    expect(session.drifted("TimeZone", "UTC")).toBe(false);
    session.giveBack("keep", "I");
  });
});

describe("to the server (THREATS.md pg-upstream)", () => {
  const tls = { mode: "verify-full", ca: authority.ca, serverName: "db.test" };
  const one = "select 1::text";

  it.each([
    ["passes everything on", (bytes: Buffer) => bytes],
    ["does not offer channel binding", withoutBinding],
  ])("nobody in the middle gets in with a certificate of the same authority who %s", async (_what, change) => {
    await using between = await startInterceptor(server.port, authority.client("db.test"), change);
    await using direct = open({ tls });
    const borrowed = await Borrowed.from(direct);
    expect(await borrowed.query(one)).toBe("1");
    borrowed.back("keep");
    await using target = open({ tls, address: `127.0.0.1:${between.port}` });
    await expect(Borrowed.from(target)).rejects.toMatchObject({ code: "target_credentials" });
    expect(between.intercepted).toBeGreaterThan(0);
  });

  it("a login may prove itself with a certificate, also when it cancels", async () => {
    const { certificate: cert, key } = authority.client("certified");
    const roles = { reader: { user: "certified", certificate: { cert, key: { env: "KEY" } } } };
    await using target = open({ tls, roles }, { KEY: key });
    const borrowed = await Borrowed.from(target);
    expect(await borrowed.query("select current_user")).toBe("certified");
    setTimeout(() => void borrowed.session.cancel(), 100);
    expect(await borrowed.query("select pg_sleep(20)::text")).toContain("canceling statement due to user request");
    borrowed.back("end");
    const wrong = { reader: { user: "reader", certificate: { cert, key: { env: "KEY" } } } };
    await using other = open({ tls, roles: wrong }, { KEY: key });
    await expect(Borrowed.from(other)).rejects.toThrow(
      "asks for a password of the login reader, which is configured with a certificate only",
    );
  });
});
