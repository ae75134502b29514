import { afterAll, beforeAll, expect, test } from "vitest";
import type { PostgresServer } from "../../harness/postgres.ts";
import { message } from "../postgres-wire/messages.ts";
import { fieldsOf, RawClient, transcript } from "../postgres-wire/raw-client.ts";
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

const types = (answers: readonly { readonly type: string }[]) => answers.map(({ type }) => type).join("");

test("what is allowed passes as the bytes that the server sends", async () => {
  using client = await RawClient.open(world.door);
  using direct = await RawClient.open(world.direct);
  for (const sql of ["select * from item order by id", "select 1; select 2", "", " ; ", "select 1/0", "show server_version"]) {
    const asked = message.query(sql);
    expect(transcript(await client.ask(asked)), sql).toEqual(transcript(await direct.ask(asked)));
  }
});

test("a denial is 42501 with its rule, the connection lives on, and the transaction too", async () => {
  using client = await RawClient.open(world.door);
  const denied = await client.ask(message.query("select * from forbidden"));
  expect(types(denied)).toBe("EZ");
  expect(fieldsOf(denied[0])).toMatchObject({
    C: "42501",
    M: expect.stringContaining("not for you"),
    D: expect.stringContaining("keep-out"),
  });
  expect(types(await client.ask(message.query("begin; insert into item values (1000, 'x')")))).toBe("CCZ");
  const inside = await client.ask(message.query("select * from forbidden"));
  expect(inside.at(-1)?.body.toString()).toBe("T");
  expect(transcript(await client.ask(message.query("select count(*) from item where id = 1000")))[1]).toContain("1");
  expect(types(await client.ask(message.query("rollback")))).toBe("CZ");
});

test("pg-multi: of a text of several statements the strictest decides on all", async () => {
  using client = await RawClient.open(world.door);
  const denied = await client.ask(message.query("insert into item values (2000, 'x'); select * from forbidden"));
  expect(types(denied)).toBe("EZ");
  expect(transcript(await client.ask(message.query("select count(*) from item where id = 2000")))[1]).toContain("0");
});

test("pg-parse: text that is no SQL gets the parser's own error, and fails the transaction as it would", async () => {
  using client = await RawClient.open(world.door);
  using direct = await RawClient.open(world.direct);
  for (const text of ["selec 1", "begin", "select * frm item", "commit"]) {
    const asked = message.query(text);
    const [own, other] = [await client.ask(asked), await direct.ask(asked)];
    expect(types(own), text).toBe(types(other));
    expect(own.at(-1)?.body.toString(), text).toBe(other.at(-1)?.body.toString());
    const { C, M, P } = fieldsOf(own[0]);
    const wanted = fieldsOf(other[0]);
    expect({ C, M, P }, text).toEqual({ C: wanted.C, M: wanted.M, P: wanted.P });
  }
});
