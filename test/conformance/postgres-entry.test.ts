import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testAuthority } from "../harness/certificate.ts";
import { newestLibpq, type PostgresServer, startPostgres } from "../harness/postgres.ts";
import { packets, RawClient } from "./postgres-entry/raw.ts";
import { logins, run, World, type WorldOptions } from "./postgres-entry/world.ts";

const authority = testAuthority("127.0.0.1");
const tls = { cert: authority.server.certificate, key: authority.server.key };
const over = (more: Partial<typeof tls & { clientCa: string }> = {}): WorldOptions => ({
  listen: { address: { type: "tcp", host: "127.0.0.1", port: 0, tls: { ...tls, ...more } } },
});
const who = "dbname=orders-db user=reader";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ sql: logins });
});
afterAll(() => server.stop());

/** Writes PEM texts and gives libpq's options for them. */
function pemOptions(world: World, pems: Readonly<Record<string, string>>): string {
  const options = Object.entries(pems).map(([option, pem]) => {
    const file = join(world.folder, `${option}.pem`);
    writeFileSync(file, pem, { mode: 0o600 });
    return `${option}=${file}`;
  });
  return options.join(" ");
}

describe("psql", () => {
  it("logs in with a token as its password, and has the role's login", async () => {
    await using world = await World.open(server);
    const env = { PGPASSWORD: await world.token() };
    expect(await world.psql(who, "select current_user, count(*) from item", env)).toEqual({
      ...{ code: 0, stdout: "reader|100\n", stderr: "" },
    });
    const writer = await world.psql("dbname=orders-db user=writer", "select current_user", env);
    expect(writer.stdout).toBe("writer\n");
  });

  it("is whoever the socket stands for, without a token", async () => {
    const identity = { issuer: "unix", subject: "local-agent", groups: [], claims: {} };
    await using world = await World.open(server, { socket: { identity } });
    expect((await world.psql(`${who} password=''`, "select 1")).stdout).toBe("1\n");
  });

  it.each([
    ["an expired one", -600, /FATAL: {2}The token is refused: it has expired/],
    ["of another issuer", undefined, /FATAL: {2}The token is refused: its signature does not verify/],
  ])("is refused with a bad token: %s", async (_what, lifetime, message) => {
    await using world = await World.open(server);
    await using other = await World.open(server);
    const token = lifetime === undefined ? await other.token() : await world.token("agent", lifetime);
    const ran = await world.psql(who, "select 1", { PGPASSWORD: token });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).toContain("PGPASSWORD=$TOKEN");
    expect(ran.stderr).not.toContain(token);
  });

  it("is told which resources and roles there are, after it has said who it is", async () => {
    await using world = await World.open(server);
    const env = { PGPASSWORD: await world.token() };
    const noDatabase = await world.psql("dbname=orders user=reader", "select 1", env);
    expect(noDatabase.stderr).toMatch(/FATAL: {2}.*database "orders" does not exist\nHINT:.*: orders-db\./s);
    const noRole = await world.psql("dbname=orders-db user=admin", "select 1", env);
    expect(noRole.stderr).toMatch(/FATAL: {2}.*role "admin" does not exist\nHINT:.*orders-db: reader, writer\./s);
    const stranger = await world.psql("dbname=orders user=reader", "select 1", { PGPASSWORD: "x" });
    expect(stranger.stderr).not.toMatch(/orders-db|writer/);
  });
});

describe("start-up settings (THREATS.md pg-gucs)", () => {
  it("are the client's own, are what RESET leads back to, and are as canonical as the server says", async () => {
    await using world = await World.open(server);
    const env = {
      PGPASSWORD: await world.token(),
      PGOPTIONS: "-c datestyle=german --statement-timeout=5s -c lock_timeout=1s -c bytea_output=escape -cintervalstyle=iso_8601",
      PGTZ: "Europe/Berlin",
      PGAPPNAME: "nightly report",
    };
    const shown =
      "current_setting('DateStyle'), current_setting('TimeZone'), current_setting('statement_timeout'), current_setting('application_name')";
    const sql = `set datestyle to iso; reset all; select ${shown}, interval '1 day', '\\x00'::bytea`;
    const ran = await world.psql(who, sql, env);
    expect(ran).toEqual({ code: 0, stdout: "SET\nRESET\nGerman, DMY|Europe/Berlin|5s|nightly report|P1D|\\000\n", stderr: "" });
    const reported = await RawClient.open(world).login(env.PGPASSWORD, { DateStyle: "german", application_name: "psql ü" });
    const statuses = reported.filter(({ type }) => type === "S").map(({ body }) => body.toString());
    expect(statuses).toContain("DateStyle\0German, DMY\0");
    expect(statuses).toContain("application_name\0psql \\xc3\\xbc\0");
    expect(statuses).toContain("client_encoding\0UTF8\0");
  });

  it.each([
    ["-c standard_conforming_strings=off", /FATAL: {2}.*"standard_conforming_strings" is not accepted\nHINT:.*E'/s],
    ["-c search_path=secret", /FATAL: {2}.*"search_path" is not accepted\nHINT:.*searchPath/s],
    ["-c session_replication_role=replica", /FATAL: {2}startup parameter "session_replication_role" is not accepted/],
    ["-c role=postgres", /FATAL: {2}.*Connect as another role/s],
    ["-c client_encoding=SJIS", /FATAL: {2}.*client_encoding "SJIS" is not accepted\nHINT:.*PGCLIENTENCODING=UTF8/s],
    ["-c CLIENT_ENCODING=latin1", /client_encoding "latin1" is not accepted/],
    ["-c datestyle=iso\\ -c\\ role=postgres", /FATAL: {2}.*DateStyle/],
    ["-d5", /FATAL: {2}.*"-d5" is not accepted/],
    ["-c", /"-c" is not accepted/],
    ["-c role", /"-c" is not accepted/],
    ["-f s", /"-f" is not accepted/],
    ["-c datestyle=nonsense", /FATAL: {2}.*invalid value for parameter "DateStyle": "nonsense"/],
    ["-c statement_timeout=-5", /FATAL: {2}.*statement_timeout/],
  ])("that would change how statements are read, or that nobody knows, are refused: %s", async (options, message) => {
    await using world = await World.open(server);
    const ran = await world.psql(who, "select 1", { PGPASSWORD: await world.token(), PGOPTIONS: options });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(message);
    expect(world.defects).toEqual([]);
  });

  it("leave replication to the server itself", async () => {
    await using world = await World.open(server);
    for (const value of ["true", "database", "on", "1"]) {
      const ran = await world.psql(`${who} replication=${value}`, "IDENTIFY_SYSTEM", { PGPASSWORD: await world.token() });
      expect(ran.stderr).toMatch(/FATAL: {2}.*replication connections are not accepted/);
    }
    expect(await RawClient.open(world).login(await world.token(), { replication: "false" })).not.toEqual([]);
  });
});

describe("TLS", () => {
  it("is verified by psql, and a token goes nowhere without it", async () => {
    await using world = await World.open(server, over());
    const env = { PGPASSWORD: await world.token() };
    const trusted = pemOptions(world, { sslrootcert: authority.ca });
    expect(await world.psql(`${who} sslmode=verify-ca ${trusted}`, "select 1", env)).toMatchObject({ code: 0, stdout: "1\n" });
    const plain = await world.psql(`${who} sslmode=disable`, "select 1", env);
    expect(plain.stderr).toMatch(/FATAL: {2}.*TLS only\nHINT:.*sslmode=verify-full/s);
  });

  it("may begin with the first byte, and speaks protocol 3.2 with the newest libpq", async () => {
    await using world = await World.open(server, over());
    const env = { PGPASSWORD: await world.token(), ...newestLibpq() };
    const trusted = pemOptions(world, { sslrootcert: authority.ca });
    const connection = `${who} sslmode=verify-ca sslnegotiation=direct min_protocol_version=3.2 max_protocol_version=3.2 ${trusted}`;
    expect(await world.psql(connection, "select 1", env)).toMatchObject({ code: 0, stdout: "1\n" });
  });

  it("answers openssl, which speaks no PostgreSQL, in both ways to begin", async () => {
    await using world = await World.open(server, over());
    const at = `${world.at.host}:${world.at.port}`;
    const asked = await run("openssl", ["s_client", "-starttls", "postgres", "-connect", at]);
    expect(asked.stdout).toContain("TLSv1.3");
    const direct = await run("openssl", ["s_client", "-alpn", "postgresql", "-connect", at]);
    expect(direct.stdout).toContain("ALPN protocol: postgresql");
    const web = await run("openssl", ["s_client", "-alpn", "h2", "-connect", at]);
    expect(web.stderr).toContain("no application protocol");
    expect(world.defects).toEqual([]);
  });

  it("tells who it is by a client certificate, which never falls back to a token", async () => {
    await using world = await World.open(server, over({ clientCa: authority.ca }));
    const mine = authority.client("billing");
    const shown = (one: typeof mine): string =>
      `${who} sslmode=require ${pemOptions(world, { sslcert: one.certificate, sslkey: one.key })}`;
    expect(await world.psql(shown(mine), "select 1")).toMatchObject({ code: 0, stdout: "1\n" });
    const stranger = testAuthority("other").client("billing");
    const refused = await world.psql(shown(stranger), "select 1", { PGPASSWORD: await world.token() });
    expect(refused.stderr).toMatch(/FATAL: {2}.*client certificate is refused \(/);
    const byToken = await world.psql(`${who} sslmode=require sslcert=/nonexistent`, "select 1", {
      PGPASSWORD: await world.token(),
    });
    expect(byToken.stdout).toBe("1\n");
  });
});

describe("who is not let in is recorded", () => {
  it("with what it claimed, by what proof, and why; never with the token", async () => {
    await using world = await World.open(server);
    const expired = await world.token("billing", -600);
    await world.psql(`${who} user=writer`, "select 1", { PGPASSWORD: expired });
    const good = await world.token();
    await world.psql("dbname=orders user=reader", "select 1", { PGPASSWORD: good });
    await world.psql(who, "select 1", { PGPASSWORD: good, PGOPTIONS: "-c search_path=secret" });
    expect((await world.psql(who, "select 1", { PGPASSWORD: good })).code).toBe(0);
    const listener = world.listener.address;
    const about = { protocol: "postgres", listener, from: "unix" };
    const agent = expect.objectContaining({ issuer: "countersign-development", subject: "agent" });
    expect(world.failed).toEqual([
      {
        ...{ ...about, proof: "token", why: "The token is refused: it has expired; get a new one." },
        claims: { user: "writer", database: "orders-db", issuer: "countersign-development", subject: "billing" },
      },
      {
        ...{ ...about, proof: "token", why: 'database "orders" does not exist', principal: agent },
        claims: { user: "reader", database: "orders", issuer: "countersign-development", subject: "agent" },
      },
      {
        ...{ ...about, proof: "none", why: 'startup parameter "search_path" is not accepted' },
        claims: { user: "reader", database: "orders-db" },
      },
    ]);
    for (const token of [expired, good]) expect(JSON.stringify(world.failed)).not.toContain(token.slice(-40));
  });

  it("also by a certificate of a stranger, and without TLS", async () => {
    await using world = await World.open(server, over({ clientCa: authority.ca }));
    const stranger = testAuthority("other").client("billing");
    const shown = pemOptions(world, { sslcert: stranger.certificate, sslkey: stranger.key });
    await world.psql(`${who} sslmode=require ${shown}`, "select 1");
    await world.psql(`${who} sslmode=disable`, "select 1");
    const from = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    const claims = { user: "reader", database: "orders-db", certificate: expect.stringContaining("CN=billing") };
    expect(world.failed).toMatchObject([
      { proof: "certificate", from, claims },
      { proof: "none", from, why: expect.stringContaining("TLS only") },
    ]);
  });
});

describe("a client certificate names", () => {
  it.each([
    ["its common name", [], /too many connections of billing$/m],
    ["its SPIFFE ID rather", ["spiffe://example.org/agent/a"], /too many connections of spiffe:\/\/example\.org\/agent\/a$/m],
    ["nobody with several SPIFFE IDs", ["spiffe://a.org/x", "spiffe://b.org/x"], /certificate has several SPIFFE IDs/],
  ])("%s", async (_what, uris, message) => {
    const bounds = { connections: 9, connectionsPerPrincipal: 0 };
    await using world = await World.open(server, { ...over({ clientCa: authority.ca }), bounds });
    const { certificate, key } = authority.client("billing", ...uris);
    const shown = pemOptions(world, { sslcert: certificate, sslkey: key });
    expect((await world.psql(`${who} sslmode=require ${shown}`, "select 1")).stderr).toMatch(message);
  });
});

describe("a CancelRequest (THREATS.md pg-cancel)", () => {
  it.each([
    ["older", {}],
    ["newest", newestLibpq()],
  ])("of psql's Ctrl-C stops what runs, with a key of our own (%s libpq)", async (_which, env) => {
    await using world = await World.open(server);
    const { host, port } = world.at;
    const child = spawn("psql", ["-X", `host=${host} port=${port} ${who}`, "-c", "select pg_sleep(20)"], {
      env: { PATH: process.env.PATH, PGPASSWORD: await world.token(), ...env },
    });
    let stderr = "";
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    const running = "select 1 from pg_stat_activity where query = 'select pg_sleep(20)' and state = 'active'";
    while ((await server.query(running)).length === 0) await sleep(20);
    child.kill("SIGINT");
    await once(child, "close");
    expect(stderr).toContain("canceling statement due to user request");
    expect(world.seen.cancels).toHaveLength(1);
  });

  it("with another key does nothing, nor one of a connection that has gone", async () => {
    await using world = await World.open(server);
    const token = await world.token();
    const client = RawClient.open(world);
    const key = (await client.login(token)).find(({ type }) => type === "K")?.body ?? Buffer.alloc(8);
    const [processId, secret] = [key.readUInt32BE(0), key.subarray(4)];
    const wrong = Buffer.from(secret.map((byte) => byte ^ 1));
    for (const guess of [wrong, Buffer.concat([secret, secret]), Buffer.alloc(32)]) {
      expect(await RawClient.open(world).send(packets.cancel(processId, guess)).message()).toBeUndefined();
    }
    await RawClient.open(world)
      .send(packets.cancel(processId ^ 1, secret))
      .message();
    expect(world.seen.cancels).toEqual([]);
    await RawClient.open(world).send(packets.cancel(processId, secret)).message();
    expect(world.seen.cancels).toHaveLength(1);
    client.socket.destroy();
    while (world.seen.gone.length === 0) await sleep(5);
    await RawClient.open(world).send(packets.cancel(processId, secret)).message();
    expect(world.seen.cancels).toHaveLength(1);
  });
});
