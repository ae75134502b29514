import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PostgresServer } from "../../harness/postgres.ts";
import { message } from "../postgres-wire/messages.ts";
import { RawClient } from "../postgres-wire/raw-client.ts";
import { type GateWorld, openGateWorld, startGateServer } from "./world.ts";

let server: PostgresServer;
let world: GateWorld;
beforeAll(async () => {
  server = await startGateServer();
  world = await openGateWorld(server, {});
});
afterAll(async () => {
  expect(world.defects).toEqual([]);
  await world[Symbol.asyncDispose]();
  await server.stop();
});

const { parse, bind, describe: describing, execute, sync } = message;
const four = Buffer.from([0, 0, 0, 4]);

/** What waits once the messages were sent. */
async function held(client: RawClient, ...said: readonly Buffer[]) {
  client.answers.length = 0;
  client.write(...said, sync());
  await client.until(({ type }) => type === "N");
  return world.held();
}

test("binary values read by the types that the server tells to a driver that asked for them, and to no other statement of that name", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(Buffer.concat([parse("delete from item where id = $1", "d", [0]), describing("S", "d"), sync()]));
  const request = await held(client, bind({ statement: "d", values: [four], formats: [1] }), execute());
  expect(request.action.operation).toMatchObject({ parameters: [{ binary: four.toString("base64url") }], types: [23] });
  await world.approve(request.binding.requestId);
  await client.ready();
  expect(client.answers.some(({ type, body }) => type === "C" && body.includes("DELETE 1"))).toBe(true);

  // The same name, another statement: what was told of the first says nothing of it.
  await client.ask(Buffer.concat([message.close("S", "d"), parse("delete from item where id::text = $1", "d"), sync()]));
  const other = await held(client, bind({ statement: "d", values: [Buffer.from("none")], formats: [1] }), execute());
  expect(other.action.operation).not.toHaveProperty("types");
  await world.approve(other.binding.requestId);
  await client.ready();
});

test("values as text are the same operation, described or not", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(Buffer.concat([parse("delete from item where id = $1", "d"), describing("S", "d"), sync()]));
  const request = await held(client, bind({ statement: "d", values: ["5"] }), execute());
  expect(request.action.operation).not.toHaveProperty("types");
});

test("a client that leaves after what is no SQL leaves no session behind that answers nobody", async () => {
  // One connection for all: its own text has the words that are looked for, and its process would outlive it a little.
  using direct = await RawClient.open(world.direct);
  const stuck = async () => {
    const waiting = "select 1 from pg_stat_activity where query like '%refused this%' and pid <> pg_backend_pid()";
    const answers = await direct.ask(message.query(waiting));
    return answers.filter(({ type }) => type === "D").length;
  };
  for (const before of ["select 1", "prepare p as select 1"]) {
    using client = await RawClient.open(world.door);
    await client.ask(message.query(before));
    client.write(parse("selec"), message.flush());
    await client.until(({ type }) => type === "E");
  }
  for (let tries = 0; tries < 100 && (await stuck()) > 0; tries++) await sleep(20);
  expect(await stuck()).toBe(0);
});
