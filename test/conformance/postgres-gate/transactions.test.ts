import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer } from "../../harness/postgres.ts";
import { extended, message } from "../postgres-wire/messages.ts";
import { RawClient } from "../postgres-wire/raw-client.ts";
import { type GateWorld, openGateWorld, startGateServer } from "./world.ts";

let server: PostgresServer;
let world: GateWorld;
beforeAll(async () => {
  server = await startGateServer();
  world = await openGateWorld(server);
});
afterAll(async () => {
  expect(world.defects).toEqual([]);
  await world[Symbol.asyncDispose]();
  await server.stop();
});

const deleting = (id: number) => `delete from item where id = ${id}`;

async function eventually<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
  for (let tries = 0; tries < 500; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error(`${what}: not in time`);
}

async function recordOf(id: string, type: string) {
  const found = await eventually(type, async () => (await world.records(id)).find((one) => one.type === type));
  return found.detail;
}

/** Approves a statement that waits, and lets it run into a row that somebody else has locked. */
async function stuck(
  client: RawClient,
  row: number,
  ...said: readonly Buffer[]
): Promise<{ id: string; end: () => Promise<void> }> {
  const other = await RawClient.open(world.direct);
  await other.ask(message.query(`begin; update item set name = 'locked' where id = ${row}`));
  client.answers.length = 0;
  client.write(...said);
  await client.until(({ type }) => type === "N");
  const id = (await world.held()).binding.requestId;
  await world.approve(id);
  const pid = await eventually("it runs", async () => {
    const rows = await server.query(
      "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like 'delete from item%'",
    );
    return rows[0]?.pid;
  });
  const end = async () => {
    await server.query(`select pg_terminate_backend(${pid})`);
    await client.end();
    other[Symbol.dispose]();
  };
  return { id, end };
}

describe("what was approved and broke off in the middle", () => {
  test.each([
    ["by the simple protocol", (row: number) => [message.query(deleting(row))]],
    ["by the extended protocol", (row: number) => [extended(deleting(row)), message.sync()]],
  ])("of a client's open transaction is found out from that transaction's id, %s", async (_, saying) => {
    using client = await RawClient.open(world.door);
    await client.ask(message.query("begin; insert into item values (7001, 'mine')"));
    const { id, end } = await stuck(client, 21, ...saying(21));
    expect((await recordOf(id, "intent")).marker).toMatchObject({ xid: expect.stringMatching(/^\d+$/), own: true });
    await end();
    expect(await recordOf(id, "outcome")).toMatchObject({ state: "failed", code: "target_lost" });
  });

  test("outside of a transaction is for a person to say", async () => {
    using client = await RawClient.open(world.door);
    const { id, end } = await stuck(client, 22, message.query(deleting(22)));
    expect((await recordOf(id, "intent")).marker ?? null).toBeNull();
    await end();
    expect(await recordOf(id, "outcome")).toMatchObject({ state: "unknown" });
  });

  test("the question before it is not heard by its client, and costs the transaction nothing", async () => {
    using client = await RawClient.open(world.door);
    await client.ask(message.query("begin; set client_min_messages = debug1"));
    client.answers.length = 0;
    client.write(message.query(deleting(23)));
    await client.until(({ type }) => type === "N");
    await world.approve((await world.held()).binding.requestId);
    await client.ready();
    expect(client.answers.map(({ type }) => type).join("")).toBe("NCZ");
    expect(client.answers.at(-1)?.body.toString()).toBe("T");
    await client.ask(message.query("commit"));
  });
});

test("pg-copy: data that no approver has seen is not taken, whatever hid it when the statement was held", async () => {
  using client = await RawClient.open(world.door);
  client.answers.length = 0;
  // So large a text is not looked into for what it does to the session.
  client.write(message.query(`copy loaded from stdin /* ${"x".repeat(9000)} */`));
  await client.until(({ type }) => type === "N");
  await world.approve((await world.held()).binding.requestId);
  await client.end();
  const said = client.answers.map(({ type, body }) => `${type}${body}`).join();
  expect(said).toContain("no approver has seen");
  expect(client.answers.map(({ type }) => type)).not.toContain("G");
});
