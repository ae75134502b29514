import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PostgresServer, startPostgres } from "../harness/postgres.ts";
import { asks } from "./postgres-entry/borrowed.ts";
import { packets, RawClient } from "./postgres-entry/raw.ts";
import { logins, World } from "./postgres-entry/world.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ sql: logins });
});
afterAll(() => server.stop());

/** Logs in and gives the client, which stays. */
async function inside(world: World, token: string): Promise<RawClient> {
  const client = RawClient.open(world);
  expect((await client.login(token)).at(-1)?.type).toBe("Z");
  return client;
}

describe("connections are counted", () => {
  it("for each principal, whatever its token", async () => {
    await using world = await World.open(server, { bounds: { connections: 40, connectionsPerPrincipal: 2 } });
    const [first] = [await inside(world, await world.token("one")), await inside(world, await world.token("one", 900))];
    const third = RawClient.open(world).send(packets.startUp({ user: "reader", database: "orders-db" }));
    await third.until("R");
    const refusal = await third.send(packets.password(await world.token("one"))).refusal();
    expect(refusal).toMatchObject({ C: "53300", M: "too many connections of one" });
    await inside(world, await world.token("two"));
    first.socket.destroy();
    while (world.seen.gone.length === 0) await sleep(5);
    await inside(world, await world.token("one"));
  });

  it("in all, and what was refused takes no place", async () => {
    await using world = await World.open(server, { bounds: { connections: 3, connectionsPerPrincipal: 9 } });
    const token = await world.token();
    for (let time = 0; time < 5; time++) await world.psql("dbname=orders-db user=reader", "select 1", { PGPASSWORD: "wrong" });
    const [one] = [await inside(world, token), await inside(world, token), await inside(world, token)];
    expect(await RawClient.open(world).refusal()).toMatchObject({ C: "53300", M: "sorry, too many clients already" });
    one.socket.destroy();
    while (world.seen.gone.length === 0) await sleep(5);
    await inside(world, token);
  });

  it("idle ones cost no connection of the database, and the role is asked for its greeting once", async () => {
    await using world = await World.open(server, { resource: { pool: { sessions: { max: 1 } } } });
    const token = await world.token();
    for (let time = 0; time < 20; time++) await inside(world, token);
    const [row] = await server.query("select count(*)::int from pg_stat_activity where usename = 'reader'");
    expect(row?.count).toBe(1);
  });
});

describe("at the end", () => {
  it("those inside and those on their way in are told 57P01, and nobody new gets in", async () => {
    await using world = await World.open(server);
    const client = await inside(world, await world.token());
    const onItsWay = RawClient.open(world).send(packets.startUp({ user: "reader", database: "orders-db" }));
    await onItsWay.until("R");
    const closing = world.listener.close(1000);
    const said = { C: "57P01", M: "terminating connection due to administrator command" };
    expect(await client.refusal()).toMatchObject(said);
    expect(await onItsWay.refusal()).toMatchObject(said);
    await closing;
    expect(await RawClient.open(world).message()).toBeUndefined();
  });

  it("a client that does not read keeps nobody waiting for longer than the grace", async () => {
    await using world = await World.open(server);
    const client = await inside(world, await world.token());
    client.socket.pause();
    client.send(asks.query("select repeat('x', 100000000)"));
    await sleep(300);
    const startedMs = Date.now();
    await world.listener.close(200);
    expect(Date.now() - startedMs).toBeLessThan(1500);
  });

  it("a database that is down is said so, in plain words and without its address", async () => {
    const down = await startPostgres({ sql: logins });
    await using world = await World.open(down, { resource: { pool: { connectTimeoutMs: 500 } } });
    await down.stop();
    const ran = await world.psql("dbname=orders-db user=reader", "select 1", { PGPASSWORD: await world.token() });
    expect(ran.stderr).toContain("FATAL:  orders-db is not reachable");
    expect(ran.stderr).not.toContain(String(down.port));
  });
});
