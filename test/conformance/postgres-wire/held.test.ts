import { setTimeout as sleep } from "node:timers/promises";
import { RequestState } from "@countersign/rpc";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../../harness/approver.ts";
import { HeldPsql } from "./held-psql.ts";
import { extended, message } from "./messages.ts";
import { psql } from "./psql.ts";
import { fieldsOf, RawClient, transcript } from "./raw-client.ts";
import { deletesWait, openWireWorld, type WireWorld } from "./world.ts";

const { query, sync, copyData, copyDone } = message;
const jumping = new URL("jumping.ts", import.meta.url).pathname;
const program = [process.execPath, "--conditions=source", "--no-warnings", jumping];

describe("a statement that waits for a person", () => {
  let world: WireWorld;
  let alice: ApproverConnection;

  beforeAll(async () => {
    world = await openWireWorld({ policy: deletesWait, program });
    const { postgres } = world.instance;
    await postgres.query("create table item (id int primary key)", [], "orders");
    await postgres.query("alter table item owner to orders_writer", [], "orders");
    alice = await approverClient(world.instance, "alice");
  });
  afterAll(async () => {
    alice?.[Symbol.dispose]();
    await world?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await world.instance.postgres.query("truncate item", [], "orders");
    await world.instance.postgres.query("insert into item select generate_series(1, 10)", [], "orders");
    world.recorder.forget();
  });

  const count = () => world.instance.value("select count(*)::int from item");
  const started = () => new HeldPsql(world.guarded, "delete from item where id <= 3");

  /** Holds it on a raw connection, after what was said before. */
  async function heldRaw(client: RawClient, ...said: readonly Buffer[]): Promise<string> {
    client.write(...said);
    const notice = await client.until(({ type, body }) => type === "N" && body.includes("req_"));
    const [id = ""] = /req_\w+/.exec(notice.body.toString()) ?? [];
    return id;
  }

  it("psql is told id, reason, link and deadline; approval runs it once, and psql shows its result", async () => {
    const held = started();
    const id = await held.request();
    for (const part of ["NOTICE", id, "Somebody has to look at it.", "deletes-wait", "/requests/", "expires"])
      expect(held.err).toContain(part);
    expect(world.recorder.saw("delete from item")).toBe(false);
    await vote(alice, id, "approve");
    expect(await held.ended).toMatchObject({ out: "DELETE 3\n", code: 0 });
    expect(await count()).toBe(7);
    expect(world.recorder.count("delete from item")).toBe(1);
    await waitForState(alice, id, RequestState.SUCCEEDED);
  });

  it("a denial is an error, and nothing of it is sent", async () => {
    const held = started();
    await vote(alice, await held.request(), "deny");
    const { err, code } = await held.ended;
    expect(code).toBe(1);
    expect(err).toContain("ERROR:  Countersign: ");
    expect(world.recorder.saw("delete from item")).toBe(false);
  });

  it("ten minutes, and another ten: it still waits, and runs when approved", async () => {
    const held = started();
    const id = await held.request();
    for (let jumps = 0; jumps < 2; jumps++) {
      process.kill(world.instance.pid, "SIGUSR2");
      await sleep(200);
    }
    expect((await getRequest(alice, id)).summary?.state).toBe(RequestState.PENDING);
    await vote(alice, id, "approve");
    expect(await held.ended).toMatchObject({ out: "DELETE 3\n", code: 0 });
  });

  it("it expires when nobody decides, and the connection goes on", async () => {
    using client = await RawClient.open(world.guarded);
    await heldRaw(client, query("delete from item"));
    for (let jumps = 0; jumps < 7; jumps++) process.kill(world.instance.pid, "SIGUSR2") && (await sleep(50));
    await client.ready();
    expect(fieldsOf(client.answers.find(({ type }) => type === "E")).S).toBe("ERROR");
    expect((await client.ask(query("select 'alive'"))).some(({ body }) => body.includes("alive"))).toBe(true);
    expect(await count()).toBe(10);
  });

  it("pg-cancel: Ctrl-C in psql cancels the request; a late approval runs nothing", async () => {
    const held = started();
    const id = await held.request();
    held.child.kill("SIGINT");
    const { err } = await held.ended;
    expect(err).toContain("ERROR:  canceling statement due to user request");
    await waitForState(alice, id, RequestState.CANCELLED);
    await expect(vote(alice, id, "approve")).rejects.toThrow();
    expect(await count()).toBe(10);
    expect(world.recorder.saw("delete from item")).toBe(false);
  });

  it("pg-gone: kill -9 of the client cancels the request; a late approval runs nothing", async () => {
    const held = started();
    const id = await held.request();
    held.child.kill("SIGKILL");
    await waitForState(alice, id, RequestState.CANCELLED);
    await expect(vote(alice, id, "approve")).rejects.toThrow();
    expect(await count()).toBe(10);
  });

  it("pg-gone: a client that says goodbye while it waits is gone", async () => {
    using client = await RawClient.open(world.guarded);
    const id = await heldRaw(client, query("delete from item"));
    client.write(message.terminate());
    await waitForState(alice, id, RequestState.CANCELLED);
    expect(await count()).toBe(10);
  });

  it("pg-gone: an approval and a kill -9 at the same moment run it once or not at all", async () => {
    for (let round = 0; round < 8; round++) {
      const before = Number(await count());
      const held = new HeldPsql(world.guarded, `delete from item where id = ${round + 1}`);
      const id = await held.request();
      const voting = vote(alice, id, "approve").catch(() => undefined);
      await sleep(round * 3);
      held.child.kill("SIGKILL");
      await Promise.all([voting, held.ended]);
      for (let tries = 0; tries < 100; tries++) {
        const { summary } = await getRequest(alice, id);
        if (summary !== undefined && summary.state > RequestState.EXECUTING) break;
        await sleep(50);
      }
      const { summary } = await getRequest(alice, id);
      const after = Number(await count());
      if (summary?.state === RequestState.SUCCEEDED) expect(after).toBe(before - 1);
      if (summary?.state === RequestState.CANCELLED) expect(after).toBe(before);
      expect(before - after).toBeLessThanOrEqual(1);
    }
  });

  it("what was sent behind it waits with it, and is answered in order", async () => {
    using client = await RawClient.open(world.guarded);
    const id = await heldRaw(
      client,
      query("select 'first'"),
      query("delete from item where id = 1"),
      query("select count(*)::text || ' left' from item"),
      extended("select 'last'"),
      sync(),
    );
    expect(transcript(client.answers).join()).not.toContain("left");
    await vote(alice, id, "approve");
    await client.ready(4);
    const rows = client.answers.filter(({ type }) => type === "D").map(({ body }) => body.subarray(6).toString());
    expect(rows).toEqual(["first", "9 left", "last"]);
    expect(transcript(client.answers).filter((one) => one.startsWith("C "))).toEqual([
      "C SELECT 1\\x00",
      "C DELETE 1\\x00",
      "C SELECT 1\\x00",
      "C SELECT 1\\x00",
    ]);
  });

  it("a client that sends without end behind it is cut off with 54000, and nothing runs", async () => {
    using client = await RawClient.open(world.guarded);
    const id = await heldRaw(client, query("delete from item"));
    const block = Buffer.concat(Array.from({ length: 100 }, () => query(`select '${"x".repeat(10_000)}'`)));
    for (let sent = 0; sent < 200 && !client.ended; sent++) {
      client.write(block);
      await sleep(1);
    }
    await client.end();
    await waitForState(alice, id, RequestState.CANCELLED);
    expect(fieldsOf(client.answers.findLast(({ type }) => type === "E")).C).toBe("54000");
    expect(await count()).toBe(10);
  });

  it("in the extended protocol, with values: the approver sees them, and the result is as ever", async () => {
    using client = await RawClient.open(world.guarded);
    const id = await heldRaw(
      client,
      extended("delete from item where id = any($1::int[]) returning id", { values: ["{4,5}"] }),
      sync(),
    );
    const { operation } = await getRequest(alice, id);
    expect(JSON.stringify(operation)).toContain("{4,5}");
    await vote(alice, id, "approve");
    await client.ready();
    expect(client.answers.filter(({ type }) => type !== "N").map(({ type }) => type)).toEqual([
      "1",
      "2",
      "T",
      "D",
      "D",
      "C",
      "Z",
    ]);
    expect(await count()).toBe(8);
  });

  it("in a transaction: it runs in it, and a rollback takes it back", async () => {
    using client = await RawClient.open(world.guarded);
    await client.ask([query("begin"), query("insert into item values (100)")], 2);
    client.answers.length = 0;
    const id = await heldRaw(client, query("delete from item"));
    await vote(alice, id, "approve");
    await client.ready();
    expect(transcript(client.answers)).toContain("C DELETE 11\\x00");
    expect(transcript(client.answers).at(-1)).toBe("Z T");
    await client.ask(query("rollback"));
    expect(await count()).toBe(10);
  });

  it("a denial while it waits in a transaction leaves the transaction alive", async () => {
    using client = await RawClient.open(world.guarded);
    await client.ask([query("begin"), query("insert into item values (100)")], 2);
    client.answers.length = 0;
    await vote(alice, await heldRaw(client, query("delete from item")), "deny");
    await client.ready();
    expect(transcript(client.answers).at(-1)).toBe("Z T");
    await client.ask(query("commit"));
    expect(await count()).toBe(11);
  });

  it("pg_terminate_backend of its session ends the request, and the client is told", async () => {
    using client = await RawClient.open(world.guarded);
    const rows = await client.ask(query("begin; select pg_backend_pid()::text"));
    const pid = rows
      .find(({ type }) => type === "D")
      ?.body.subarray(6)
      .toString();
    client.answers.length = 0;
    const id = await heldRaw(client, query("delete from item"));
    await world.instance.postgres.query("select pg_terminate_backend($1)", [Number(pid)]);
    await client.end();
    expect(fieldsOf(client.answers.findLast(({ type }) => type === "E")).C).toMatch(/^57P01$|^08006$|^58000$/);
    await waitForState(alice, id, RequestState.CANCELLED);
    expect(await count()).toBe(10);
  });

  it("pg_terminate_backend while it runs is the truth that the client and the record get", async () => {
    const held = new HeldPsql(world.guarded, "delete from item where id = 1 and pg_sleep(30) is not null");
    const id = await held.request();
    await vote(alice, id, "approve");
    await waitForState(alice, id, RequestState.EXECUTING);
    await sleep(300);
    await world.instance.postgres.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'delete from item%pg_sleep(30)%' and pid <> pg_backend_pid()",
    );
    expect((await held.ended).code).not.toBe(0);
    const { summary } = await waitForEnd(id);
    expect([RequestState.FAILED, RequestState.UNKNOWN]).toContain(summary?.state);
    expect(await count()).toBe(10);
  });

  it("pg-cancel: Ctrl-C while it runs cancels it on the server", async () => {
    const held = new HeldPsql(world.guarded, "delete from item where pg_sleep(30) is not null");
    const id = await held.request();
    await vote(alice, id, "approve");
    await waitForState(alice, id, RequestState.EXECUTING);
    await sleep(300);
    held.child.kill("SIGINT");
    expect((await held.ended).err).toContain("canceling statement due to user request");
    await waitForState(alice, id, RequestState.FAILED);
    expect(await count()).toBe(10);
  });

  it("pg-cancel: a cancel with another key does nothing", async () => {
    using client = await RawClient.open(world.guarded);
    const id = await heldRaw(client, query("delete from item where id = 1"));
    using other = RawClient.bare(world.guarded);
    other.socket.write(Buffer.concat([Buffer.from([0, 0, 0, 16, 4, 210, 22, 46]), Buffer.alloc(8, 7)]));
    await other.end();
    expect(other.answers).toEqual([]);
    expect((await getRequest(alice, id)).summary?.state).toBe(RequestState.PENDING);
    await vote(alice, id, "approve");
    await client.ready();
  });

  it("pg-copy: COPY data that waits is what the approver sees, and what runs", async () => {
    using client = await RawClient.open(world.guarded);
    const id = await heldRaw(client, query("copy item from stdin"), copyData("77\n"), copyData("88\n"), copyDone());
    expect(world.recorder.saw("copy item")).toBe(false);
    const { operation } = await getRequest(alice, id);
    expect(JSON.stringify(operation)).toContain(JSON.stringify("77\n88\n"));
    await vote(alice, id, "approve");
    await client.ready();
    expect(transcript(client.answers)).toContain("C COPY 2\\x00");
    expect(await world.instance.value("select string_agg(id::text, ',' order by id) from item where id > 10")).toBe("77,88");
  });

  it("many wait at once, and each gets its own answer", async () => {
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.open(world.guarded)));
    const ids = await Promise.all(
      clients.map((client, n) => heldRaw(client, query(`delete from item where id = ${n} returning ${n} as n`))),
    );
    // None of them has a session of the database meanwhile.
    expect(world.recorder.connections).toBeLessThan(10);
    await Promise.all(ids.map((id, n) => vote(alice, id, n % 2 === 0 ? "approve" : "deny")));
    await Promise.all(clients.map((client) => client.ready()));
    for (const [n, { answers }] of clients.entries()) expect(answers.some(({ type }) => type === "E")).toBe(n % 2 === 1);
    expect(await count()).toBe(5);
    for (const client of clients) client[Symbol.dispose]();
  });

  it("the sidecar stops: the client is told 57P01, and the request does not run", async () => {
    using client = await RawClient.open(world.guarded);
    using idle = await RawClient.open(world.guarded);
    const id = await heldRaw(client, query("delete from item"));
    const stopping = world.instance.end("SIGTERM");
    await Promise.all([client.end(), idle.end()]);
    expect(fieldsOf(client.answers.findLast(({ type }) => type === "E")).C).toBe("57P01");
    expect(fieldsOf(idle.answers.findLast(({ type }) => type === "E")).C).toBe("57P01");
    expect(await stopping).toBe(0);
    await world.instance.up();
    expect((await psql(world.direct, ["-Atc", "select count(*) from item"])).out).toBe("10\n");
    alice[Symbol.dispose]();
    alice = await approverClient(world.instance, "alice");
    await waitForState(alice, id, RequestState.CANCELLED);
  });

  async function waitForEnd(id: string): ReturnType<typeof getRequest> {
    for (let tries = 0; tries < 200; tries++) {
      const request = await getRequest(alice, id);
      if (request.summary !== undefined && request.summary.state > RequestState.EXECUTING) return request;
      await sleep(50);
    }
    throw new Error(`${id} does not end`);
  }
});
