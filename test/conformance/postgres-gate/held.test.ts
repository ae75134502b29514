import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer } from "../../harness/postgres.ts";
import { extended, message } from "../postgres-wire/messages.ts";
import { type Answer, fieldsOf, RawClient, transcript } from "../postgres-wire/raw-client.ts";
import { openKeyed } from "./raw-start.ts";
import { type GateWorld, openGateWorld, startGateServer } from "./world.ts";

let server: PostgresServer;
let world: GateWorld;
beforeAll(async () => {
  server = await startGateServer();
  world = await openGateWorld(server, { bounds: { copyBytes: 1000, heldBytes: 10_000 } });
});
afterAll(async () => {
  expect(world.defects).toEqual([]);
  await world[Symbol.asyncDispose]();
  await server.stop();
});

const types = (answers: readonly Answer[]) => answers.map(({ type }) => type).join("");
const text = (answers: readonly Answer[]) => transcript(answers).join("\n");
const error = (answers: readonly Answer[]) => fieldsOf(answers.find(({ type }) => type === "E"));
async function value(sql: string): Promise<string> {
  using direct = await RawClient.open(world.direct);
  const row = (await direct.ask(message.query(sql))).find(({ type }) => type === "D");
  return row?.body.subarray(6).toString() ?? "";
}
const deleting = (id: number) => `delete from item where id = ${id}`;
/** Sends something that waits, and gives its request. */
async function hold(client: RawClient, ...said: readonly Buffer[]): Promise<string> {
  client.answers.length = 0;
  client.write(...said);
  await client.until(({ type }) => type === "N");
  return (await world.held()).binding.requestId;
}

describe("a hold", () => {
  test("says whom it waits for, runs once when it is approved, and is recorded before", async () => {
    using client = await RawClient.open(world.door);
    const id = await hold(client, message.query(deleting(1)));
    const notice = fieldsOf(client.answers[0]);
    expect(notice.M).toContain(id);
    expect(notice.H).toContain(`https://console/requests/${id}`);
    expect(notice.D).toContain("deletes-wait");
    expect(await value("select count(*) from item where id = 1")).toBe("1");
    await world.approve(id);
    await client.ready();
    expect(text(client.answers.slice(1))).toBe("C DELETE 1\\x00\nZ I");
    for (let tries = 0; tries < 100 && (await world.records(id)).at(-1)?.type !== "outcome"; tries++) await sleep(10);
    const records = (await world.records(id)).map(({ type }) => type);
    expect(records.indexOf("intent")).toBeGreaterThan(records.indexOf("vote"));
    expect(records).toContain("outcome");
    expect(await value("select count(*) from item where id = 1")).toBe("0");
  });

  test("by the extended protocol holds the Bind; what follows goes on after it", async () => {
    using client = await RawClient.open(world.door);
    const bound = { values: ["2"] };
    const said = [
      message.parse("delete from item where id = $1"),
      message.bind(bound),
      message.describe("P"),
      message.execute(),
      message.sync(),
    ];
    const id = await hold(client, ...said, extended("select 'next'"), message.sync());
    expect((await world.held()).action.operation).toMatchObject({
      statement: "delete from item where id = $1",
      parameters: [{ text: "2" }],
    });
    await world.approve(id);
    await client.ready(2);
    // The answer to the Parse may come before or after the notice.
    expect(types(client.answers.filter(({ type }) => type !== "N"))).toBe("12nCZ12TDCZ");
    expect(await value("select count(*) from item where id = 2")).toBe("0");
  });

  test("a denial and a transaction: 42501, and the transaction lives on", async () => {
    using client = await RawClient.open(world.door);
    await client.ask(message.query("begin"));
    const id = await hold(client, message.query(deleting(3)));
    expect((await world.held()).action.operation).toMatchObject({ connection: { inTransaction: true } });
    await world.deny(id);
    await client.ready();
    expect(error(client.answers)).toMatchObject({ C: "42501", D: expect.stringContaining(id) });
    expect(text(client.answers)).toMatch(/Z T$/);
    expect(types(await client.ask(message.query("commit")))).toBe("CZ");
  });

  test("in an explicit transaction is part of it: a rollback takes it back", async () => {
    using client = await RawClient.open(world.door);
    await client.ask(message.query("begin"));
    await world.approve(await hold(client, message.query(deleting(3))));
    await client.ready();
    expect(text(client.answers)).toMatch(/Z T$/);
    await client.ask(message.query("rollback"));
    expect(await value("select count(*) from item where id = 3")).toBe("1");
  });

  test("pg-cancel: a CancelRequest while it is held cancels the request", async () => {
    const keyed = await openKeyed(world.door);
    using client = keyed.client;
    const id = await hold(client, message.query(deleting(4)));
    await keyed.cancel();
    await client.ready();
    expect(error(client.answers)).toMatchObject({ C: "57014" });
    await expect(world.approve(id)).rejects.toMatchObject({ code: "not_pending" });
    expect(types(await client.ask(message.query("select 1")))).toBe("TDCZ");
  });

  test("pg-cancel: a CancelRequest while it runs cancels it at the server, and a wrong key cancels nothing", async () => {
    const keyed = await openKeyed(world.door);
    using client = keyed.client;
    client.answers.length = 0;
    client.write(message.query("select count(*) from generate_series(1, 100000000000)"));
    await sleep(200);
    await keyed.cancel(1);
    await sleep(200);
    expect(client.answers).toEqual([]);
    await keyed.cancel();
    await client.ready();
    expect(error(client.answers)).toMatchObject({ C: "57014" });
  });

  test("pg-gone: a client that vanishes, or says goodbye, cancels the request; a late approval runs nothing", async () => {
    for (const leave of ["destroy", "goodbye"] as const) {
      using client = await RawClient.open(world.door);
      const id = await hold(client, message.query(deleting(5)));
      if (leave === "destroy") client.socket.destroy();
      else client.write(message.terminate());
      for (let tries = 0; tries < 200; tries++) {
        const { request } = await world.plane.approvals.get(id);
        if (request.state === "cancelled") break;
        await sleep(10);
      }
      await expect(world.approve(id)).rejects.toMatchObject({ code: "not_pending" });
      expect(await value("select count(*) from item where id = 5")).toBe("1");
    }
  });

  test("what is sent meanwhile is kept up to a bound, then the connection ends and the request is cancelled", async () => {
    using client = await RawClient.open(world.door);
    const id = await hold(client, message.query(deleting(6)));
    client.write(message.query(`select '${"x".repeat(20_000)}'`));
    await client.end();
    expect(error(client.answers)).toMatchObject({ S: "FATAL", C: "54000" });
    await expect(world.approve(id)).rejects.toMatchObject({ code: "not_pending" });
  });

  test("an approver's edit is what runs, by both protocols", async () => {
    using client = await RawClient.open(world.door);
    const edit = async (id: string, statement: string, parameters: readonly { text: string }[]) => {
      const { request } = await world.plane.approvals.get(id);
      const operation = { ...request.action.operation, statement, parameters };
      if (operation.kind !== "postgres.query") throw new Error("it is something else");
      await world.edit(request, operation);
    };
    const first = await hold(client, message.query(deleting(7)));
    await edit(first, deleting(8), []);
    await world.approve((await world.held()).binding.requestId);
    await client.ready();
    expect(await value("select string_agg(id::text, ',' order by id) from item where id in (7, 8)")).toBe("7");
    const second = await hold(
      client,
      message.parse("delete from item where id = $1"),
      message.bind({ values: ["9"] }),
      message.execute(),
      message.sync(),
    );
    await edit(second, "delete from item where id = $1", [{ text: "10" }]);
    await world.approve((await world.held()).binding.requestId);
    await client.ready();
    expect(await value("select string_agg(id::text, ',' order by id) from item where id in (9, 10)")).toBe("9");
  });
});

describe("pg-copy: COPY … FROM STDIN", () => {
  test("that is allowed is streamed", async () => {
    using client = await RawClient.open(world.door);
    client.write(message.query("copy item from stdin"));
    await client.until(({ type }) => type === "G");
    client.write(message.copyData("500\tfive"), message.copyData(" hundred\n"), message.copyDone());
    await client.ready();
    expect(text(client.answers)).toContain("COPY 1");
    expect(await value("select name from item where id = 500")).toBe("five hundred");
  });

  test("under review: the data is captured and part of what is approved, and then that data is copied", async () => {
    using client = await RawClient.open(world.door);
    client.answers.length = 0;
    client.write(message.query("copy loaded (id, name) from stdin"));
    await client.until(({ type }) => type === "G");
    expect(await value("select count(*) from pg_locks l join pg_class c on c.oid = l.relation where relname = 'loaded'")).toBe(
      "0",
    );
    client.write(message.copyData("1\tone\n2\ttw"), message.copyData("o\n"), message.copyDone());
    const request = await world.held();
    expect(request.action.operation).toMatchObject({ input: { text: "1\tone\n2\ttwo\n" } });
    await world.approve(request.binding.requestId);
    await client.ready();
    expect(types(client.answers)).toBe("GNCZ");
    expect(await value("select string_agg(name, ',' order by id) from loaded")).toBe("one,two");
  });

  test("under review: what is sent after the captured data does not get into the copy", async () => {
    using client = await RawClient.open(world.door);
    client.write(message.query("copy loaded from stdin"));
    await client.until(({ type }) => type === "G");
    client.write(message.copyData("3\tapproved\n"), message.copyDone(), message.copyData("4\tsmuggled\n"), message.copyDone());
    await world.approve((await world.held()).binding.requestId);
    await client.ready();
    expect(await value("select string_agg(name, ',') from loaded where id in (3, 4)")).toBe("approved");
    expect(types(await client.ask(message.query("select 1")))).toBe("TDCZ");
  });

  test("under review: more than is captured is refused, and a client that gives up ends it", async () => {
    using client = await RawClient.open(world.door);
    client.write(message.query("copy loaded from stdin"));
    await client.until(({ type }) => type === "G");
    client.write(message.copyData("x".repeat(2000)), message.copyData("more\n"), message.copyDone());
    await client.ready();
    expect(error(client.answers)).toMatchObject({ C: "54000" });
    expect(types(await client.ask(message.query("select 1")))).toBe("TDCZ");
    client.answers.length = 0;
    client.write(message.query("copy loaded from stdin"));
    await client.until(({ type }) => type === "G");
    client.write(message.copyData("1\n"), message.copyFail("no more"));
    await client.ready();
    expect(error(client.answers)).toMatchObject({ C: "57014", M: "COPY from stdin failed: no more" });
  });

  test("whose rule lets the data be unseen is held first, and streamed then", async () => {
    using client = await RawClient.open(world.door);
    const id = await hold(client, message.query("copy streamed from stdin"));
    expect((await world.held()).action.operation).not.toHaveProperty("input");
    await world.approve(id);
    await client.until(({ type }) => type === "G");
    client.write(message.copyData("1\tunseen\n"), message.copyDone());
    await client.ready();
    expect(await value("select name from streamed")).toBe("unseen");
  });
});

describe("pg-limits: on the stream", () => {
  test("exactly as many rows as the limit are passed on, then the error", async () => {
    using client = await RawClient.open(world.door);
    const cut = await client.ask(message.query("select * from many"));
    expect(types(cut)).toBe(`T${"D".repeat(10)}EZ`);
    expect(error(cut)).toMatchObject({ C: "53400" });
    expect(types(await client.ask(message.query("select * from many limit 10")))).toBe(`T${"D".repeat(10)}CZ`);
    const extendedCut = await client.ask([extended("select * from many"), extended("select 'never'"), message.sync()]);
    expect(types(extendedCut)).toBe(`12T${"D".repeat(10)}EZ`);
  });

  test("no row passes the limit of bytes, and a COPY counts as well", async () => {
    using client = await RawClient.open(world.door);
    expect(types(await client.ask(message.query("select * from wide")))).toBe("TDDDEZ");
    expect(types(await client.ask(message.query("copy wide to stdout")))).toBe("HdddEZ");
  });

  test("the limit of rows is about a cursor, not about each FETCH of it, and about a portal, not each Execute", async () => {
    using client = await RawClient.open(world.door);
    await client.ask(message.query("begin; declare c cursor for select * from many"));
    expect(types(await client.ask(message.query("fetch 6 from c")))).toBe("TDDDDDDCZ");
    expect(types(await client.ask(message.query("fetch 6 from c")))).toBe("TDDDDEZ");
    await client.ask(message.query("rollback; begin"));
    const portal = [message.parse("select * from many"), message.bind({ portal: "p" })];
    expect(types(await client.ask([...portal, message.execute("p", 6), message.execute("p", 6), message.sync()]))).toBe(
      "12DDDDDDsDDDDEZ",
    );
  });

  test("time: what takes longer is stopped, and the session serves on", async () => {
    using client = await RawClient.open(world.door);
    const stopped = await client.ask(message.query("select count(*) from slow, generate_series(1, 100000000000)"));
    expect(error(stopped)).toMatchObject({ C: "53400" });
    expect(types(await client.ask(message.query("select 1")))).toBe("TDCZ");
  });
});

describe("settings of a hold", () => {
  test("inside of a transaction it may be refused, and while it waits the client may be told again", async () => {
    await using other = await openGateWorld(server, { bounds: { holdInTransaction: "refuse", noticeMs: 50 } });
    using client = await RawClient.open(other.door);
    await client.ask(message.query("begin"));
    const refused = await client.ask(message.query(deleting(1)));
    expect(error(refused)).toMatchObject({ C: "42501", M: expect.stringContaining("transaction") });
    await client.ask(message.query("rollback"));
    client.answers.length = 0;
    client.write(message.query(deleting(1)));
    for (let tries = 0; tries < 100 && client.answers.length < 3; tries++) await sleep(20);
    expect(types(client.answers)).toMatch(/^NNN/);
    await other.deny((await other.held()).binding.requestId);
    await client.ready();
  });

  test("a locked principal's connection is cut in the turn of the lock, and what it holds is cancelled", async () => {
    await using other = await openGateWorld(server);
    using client = await RawClient.open(other.door);
    client.write(message.query(deleting(1)));
    await client.until(({ type }) => type === "N");
    const { binding } = await other.held();
    await other.lock();
    await client.end();
    expect(error(client.answers)).toMatchObject({ S: "FATAL", C: "57P01", M: expect.stringContaining("locked") });
    await expect(other.approve(binding.requestId)).rejects.toThrow();
  });
});
