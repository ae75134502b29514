import { afterAll, beforeAll, expect, test } from "vitest";
import type { PostgresServer } from "../../harness/postgres.ts";
import { extended, message } from "../postgres-wire/messages.ts";
import { type Answer, fieldsOf, RawClient, transcript } from "../postgres-wire/raw-client.ts";
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

const types = (answers: readonly Answer[]) => answers.map(({ type }) => type).join("");
const text = (answers: readonly Answer[]) => transcript(answers).join("\n");
const error = (answers: readonly Answer[]) => fieldsOf(answers.find(({ type }) => type === "E"));
async function count(where: string): Promise<string> {
  using direct = await RawClient.open(world.direct);
  const answers = await direct.ask(message.query(`select 'n=' || count(*) from item where ${where}`));
  return /n=\d+/.exec(text(answers))?.[0] ?? "";
}

test("pg-deny: after a denial everything is discarded to the Sync, then comes the true status, and replies stay in order", async () => {
  using client = await RawClient.open(world.door);
  const answers = await client.ask(
    [
      ...[extended("select 'before'"), message.sync()],
      ...[extended("select * from forbidden"), extended("select 'skipped'"), message.sync()],
      ...[extended("select 'after'"), message.sync()],
    ],
    3,
  );
  expect(types(answers)).toBe("12TDCZEZ12TDCZ");
  expect(error(answers)).toMatchObject({ C: "42501" });
  expect(text(answers)).not.toContain("skipped");
});

test("pg-deny: what ran before a denial in the same implicit transaction is undone, as by any other error", async () => {
  using client = await RawClient.open(world.door);
  const answers = await client.ask([
    ...[extended("insert into item values (3001, 'x')"), extended("select * from forbidden"), message.sync()],
  ]);
  expect(types(answers)).toBe("12nCEZ");
  expect(error(answers)).toMatchObject({ C: "42501", M: expect.stringContaining("not for you") });
  expect(await count("id = 3001")).toBe("n=0");
});

test("pg-deny: an explicit transaction lives on after a denial", async () => {
  using client = await RawClient.open(world.door);
  await client.ask([extended("begin"), message.sync()]);
  await client.ask([extended("insert into item values (3002, 'x')"), message.sync()]);
  const denied = await client.ask([extended("select * from forbidden"), message.sync()]);
  expect(text(denied)).toMatch(/Z T$/);
  await client.ask([extended("commit"), message.sync()]);
  expect(await count("id = 3002")).toBe("n=1");
});

test("pg-deny: a pipeline that begins its transaction itself is undone too", async () => {
  using client = await RawClient.open(world.door);
  const answers = await client.ask([
    ...[extended("begin"), extended("insert into item values (3003, 'x')"), extended("select * from forbidden"), message.sync()],
  ]);
  expect(text(answers)).toMatch(/Z E$/);
  await client.ask([extended("commit"), message.sync()]);
  expect(await count("id = 3003")).toBe("n=0");
});

test("pg-deny: a Query behind an open pipeline that is denied undoes the pipeline", async () => {
  using client = await RawClient.open(world.door);
  const answers = await client.ask([extended("insert into item values (3004, 'x')"), message.query("select * from forbidden")]);
  expect(text(answers)).toMatch(/Z I$/);
  expect(error(answers)).toMatchObject({ C: "42501" });
  expect(await count("id = 3004")).toBe("n=0");
});

test("pg-deny: a Bind does not run the older statement of a name whose Parse was refused", async () => {
  using client = await RawClient.open(world.door);
  for (const name of ["", "s"]) {
    expect(types(await client.ask([message.parse("select 'older'", name), message.sync()]))).toBe("1Z");
    expect(types(await client.ask([message.parse("set search_path = pg_temp", name), message.sync()]))).toBe("EZ");
    const bound = await client.ask([message.bind({ statement: name }), message.execute(), message.sync()]);
    expect(text(bound), name).not.toContain("older");
    expect(error(bound), name).toMatchObject({ C: "26000" });
    expect(types(await client.ask([message.describe("S", name), message.sync()]))).toBe("EZ");
    await client.ask([message.close("S", name), message.sync()]);
    const again = await client.ask([
      message.parse("select 'new'", name),
      message.bind({ statement: name }),
      message.execute(),
      message.sync(),
    ]);
    expect(text(again)).toContain("new");
  }
});

test("pg-bind: a name that the server keeps because a later Parse of it fails stands for the older statement, also in a pipeline", async () => {
  using client = await RawClient.open(world.door);
  await client.ask([message.parse("delete from item", "s"), message.sync()]);
  // The second Parse fails at the server (42P05), which we do not know when the Bind comes: taken for `select 1`, it would delete.
  client.answers.length = 0;
  client.write(
    message.parse("select 1", "s"),
    message.sync(),
    message.bind({ statement: "s" }),
    message.execute(),
    message.sync(),
  );
  await client.until(({ type }) => type === "N");
  expect(error(client.answers)).toMatchObject({ C: "42P05" });
  const { binding, action } = await world.held();
  expect(action.operation).toMatchObject({ statement: "delete from item" });
  await world.deny(binding.requestId);
  await client.ready(2);
  expect(await count("true")).not.toBe("n=0");
});

test("pg-bind: each Bind is decided by itself, and so is another Execute of what was executed to its end", async () => {
  using client = await RawClient.open(world.door);
  await client.ask([message.parse("select name from item where id = $1", "one"), message.sync()]);
  const bound = { statement: "one", portal: "p", values: ["7"] };
  const answers = await client.ask(
    [...[message.query("begin"), message.bind(bound), message.execute("p"), message.execute("p"), message.sync()]],
    2,
  );
  expect(types(answers)).toBe("CZ2DCCZ");
  world.setPolicy("version: 1\nrules: []\n");
  const denied = await client.ask([message.execute("p"), message.sync()]);
  expect(error(denied)).toMatchObject({ C: "42501" });
  const unbound = await client.ask([message.bind({ statement: "one", values: ["7"] }), message.execute(), message.sync()]);
  expect(error(unbound)).toMatchObject({ C: "42501" });
  world.setPolicy(world.firstPolicy);
});

test("pg-bind: EXECUTE is decided by what the session has prepared, and FETCH by what it has declared", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(message.query("prepare ok as select 'fine'"));
  await client.ask(message.query("prepare bad as select * from item"));
  expect(text(await client.ask(message.query("execute ok")))).toContain("fine");
  expect(error(await client.ask(message.query("prepare no as select * from forbidden")))).toMatchObject({ C: "42501" });
  expect(error(await client.ask(message.query("execute no")))).toMatchObject({ C: "42501" });
  // The same name by the other protocol, and the other way round.
  await client.ask([message.parse("select 'parsed'", "mine"), message.sync()]);
  expect(text(await client.ask(message.query("execute mine")))).toContain("parsed");
  const redefined = "deallocate ok; prepare ok as delete from item";
  client.write(message.query(redefined));
  await client.until(({ type }) => type === "N");
  await world.approve((await world.held()).binding.requestId);
  await client.ready();
  client.write(message.query("execute ok"));
  const { binding, action } = await world.held();
  expect(action.operation).toMatchObject({ statement: "execute ok", runs: ["prepare ok as delete from item"] });
  await world.deny(binding.requestId);
  await client.ready();
});

test("pg-bind: EXECUTE in the pipeline of a text that redefines the name waits until it is known what the name stands for", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(message.query("prepare q as select 'first'"));
  const answers = await client.ask(
    [message.query("deallocate q"), message.query("prepare q as select 'second'"), message.query("execute q")],
    3,
  );
  expect(text(answers)).toContain("second");
  const failed = await client.ask([message.query("prepare q as select 'third'"), message.query("execute q")], 2);
  expect(error(failed)).toMatchObject({ C: "42P05" });
  expect(text(failed)).toContain("second");
});

test("pg-gucs, pg-readonly: what is opaque makes the session be asked: settings, its role, prepared statements and cursors that have changed end it", async () => {
  for (const change of [
    "select trusted('set search_path = pg_catalog')",
    "select trusted('set backslash_quote = on')",
    "select trusted('set role boss')",
    "do $$ begin execute 'deallocate s'; execute 'prepare s as delete from item'; end $$",
  ]) {
    using client = await RawClient.open(world.door);
    await client.ask([message.parse("select 1", "s"), message.sync()]);
    client.answers.length = 0;
    // Of some settings the server tells at once, of others only when it is asked.
    client.write(message.query(change), message.bind({ statement: "s" }), message.execute(), message.sync());
    await client.end();
    expect(error(client.answers), change).toMatchObject({ S: "FATAL" });
    expect(types(client.answers)).not.toContain("2");
  }
  using client = await RawClient.open(world.door);
  await client.ask(message.query("select trusted('select 1')"));
  expect(text(await client.ask(message.query("select 'goes on'")))).toContain("goes on");
  const pipelined = [extended("select trusted('select 1')"), extended("select 'in the pipeline'"), message.sync()];
  expect(text(await client.ask(pipelined))).toContain("in the pipeline");
  client.answers.length = 0;
  client.write(extended("select trusted('set search_path = pg_catalog')"), extended("select 'never'"), message.sync());
  await client.end();
  expect(text(client.answers)).not.toContain("never");
});

test("pg-frames: a function call by its number is refused, and the connection lives on", async () => {
  using client = await RawClient.open(world.door);
  const answers = await client.ask(message.functionCall(1598));
  expect(types(answers)).toBe("EZ");
  expect(error(answers)).toMatchObject({ C: "0A000" });
  expect(types(await client.ask(message.query("select 1")))).toBe("TDCZ");
});

test("pg-frames: what is larger than its bound is refused, and what follows is understood", async () => {
  using client = await RawClient.open(world.door);
  const large = `select '${"x".repeat(3_000_000)}'`;
  expect(error(await client.ask(message.query(large)))).toMatchObject({ C: "54000" });
  expect(types(await client.ask([message.parse(large), message.bind(), message.sync()]))).toBe("EZ");
  expect(types(await client.ask(message.query("select 1")))).toBe("TDCZ");
});

test("portals that are read in parts go on as they were decided", async () => {
  using client = await RawClient.open(world.door);
  const some = [
    message.parse("select id from item where id <= 100 order by id"),
    message.bind({ portal: "p" }),
    message.execute("p", 3),
    message.flush(),
  ];
  client.write(message.query("begin"));
  await client.ready();
  client.answers.length = 0;
  client.write(...some);
  await client.until(({ type }) => type === "s");
  expect(types(client.answers)).toBe("12DDDs");
  expect(types(await client.ask([message.execute("p", 2), message.execute("p"), message.sync()]))).toBe(`DDs${"D".repeat(95)}CZ`);
});

test("pg-bind: what EXECUTE runs is looked at when it is executed, too: the name may stand for something else by then", async () => {
  using client = await RawClient.open(world.door);
  await client.ask([message.parse("select 'harmless'", "q"), message.parse("execute q", "outer"), message.sync()]);
  const answers = await client.ask([
    ...[message.bind({ statement: "outer", portal: "p" }), message.close("S", "q"), message.parse("delete from item", "q")],
    ...[message.execute("p"), message.sync()],
  ]);
  expect(error(answers)).toMatchObject({ C: "55000" });
  expect(await count("true")).not.toBe("n=0");
});

test("pg-bind: a text that is too large to be looked into does not redefine a name unseen", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(message.query("prepare q as select 'harmless'"));
  const large = `select '${"x".repeat(10_000)}'; deallocate q; prepare q as select 'other'`;
  client.write(message.query(large), message.query("execute q"));
  await client.end();
  expect(error(client.answers)).toMatchObject({ S: "FATAL" });
  expect(text(client.answers)).not.toContain("D \\x00\\x01\\x00\\x00\\x00\\x05other");
});

test("names that stand for what they did survive a check of the session", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(
    message.query("select 1; prepare q as select 'prepared'; begin; declare c cursor with hold for select 'held'; commit"),
  );
  await client.ask([message.parse("select 'parsed'", "s"), message.sync()]);
  await client.ask(message.query("select trusted('select 1')"));
  expect(text(await client.ask(message.query("execute q; fetch all from c")))).toMatch(/prepared[\s\S]*held/);
  expect(text(await client.ask([message.bind({ statement: "s" }), message.execute(), message.sync()]))).toContain("parsed");
});

test("LISTEN and NOTIFY: what comes without being asked is passed on, also while something is due", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(message.query("listen news"));
  using direct = await RawClient.open(world.direct);
  await direct.ask(message.query("notify news, 'hello'"));
  await client.until(({ type }) => type === "A");
  expect(text(client.answers)).toContain("news");
});

test("a failed transaction is left as by PostgreSQL, also when what failed was opaque", async () => {
  using client = await RawClient.open(world.door);
  await client.ask(message.query("begin"));
  expect(error(await client.ask(message.query("select trusted('select 1/0')")))).toMatchObject({ C: "22012" });
  expect(error(await client.ask([extended("select 1"), message.sync()]))).toMatchObject({ C: "25P02" });
  expect(text(await client.ask([extended("rollback"), message.sync()]))).toMatch(/Z I$/);
  expect(text(await client.ask(message.query("select 'goes on'")))).toContain("goes on");
});

test("what is opaque in a pipeline behind the end of a failed transaction is asked about as well", async () => {
  using client = await RawClient.open(world.door);
  await client.ask([message.parse("select 1", "s"), message.sync()]);
  await client.ask(message.query("begin; select 1/0"));
  const spoil = "do $$ begin execute 'deallocate s'; execute 'prepare s as delete from item'; end $$";
  client.answers.length = 0;
  client.write(
    message.query("rollback"),
    message.query(spoil),
    message.bind({ statement: "s" }),
    message.execute(),
    message.sync(),
  );
  await client.end();
  expect(error(client.answers)).toMatchObject({ S: "FATAL" });
  expect(await count("true")).not.toBe("n=0");
});

test("a pipeline that fails while a message of it waits goes on at its Sync", async () => {
  using client = await RawClient.open(world.door);
  const copy = [extended("copy item (id) from stdin"), message.copyData("x\n"), message.copyDone()];
  const answers = await client.ask([...copy, extended("select 'skipped'"), message.sync(), message.query("select 'next'")], 2);
  expect(error(answers)).toMatchObject({ C: "22P02" });
  expect(text(answers)).not.toContain("skipped");
  expect(text(answers)).toContain("next");
});
