import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../harness/postgres.ts";
import { hidden, quoting, refused, secret, shown, world as tables } from "./masked-statements.ts";
import { type GateWorld, openGateWorld } from "./postgres-gate/world.ts";
import { error, expectHidden, few, open, policy, rowsOf, types, versions } from "./postgres-masks-world.ts";
import { extended, message } from "./postgres-wire/messages.ts";
import { ran } from "./postgres-wire/psql.ts";
import { RawClient } from "./postgres-wire/raw-client.ts";

describe.each(versions)("masked columns for PostgreSQL's own clients, on the %s PostgreSQL", (version) => {
  let server: PostgresServer;
  let world: GateWorld;
  let client: RawClient;
  beforeAll(async () => {
    server = await startPostgres({
      ...{ version, sql: ["create role writer login password 'pw-writer-61'"], configuration: { fsync: "off" } },
      access: ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256"],
    });
    world = await openGateWorld(server, { policy });
    using owner = await RawClient.open(world.direct);
    const made = await owner.ask(tables.filter((text) => text !== "").map(message.query), tables.length);
    expect(error(made)).toEqual({});
    client = await RawClient.open(world.door);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    expect(world.defects).toEqual([]);
    await world[Symbol.asyncDispose]();
    await server.stop();
  });

  const simple = (sql: string) => client.ask(message.query(sql));
  /** As drivers do, without a Describe of their own. */
  const bare = (sql: string, resultFormats: readonly number[] = []) =>
    client.ask([message.parse(sql), message.bind({ resultFormats }), message.execute(), message.sync()]);

  test.each(shown.map(([statement, rows]) => [statement, rows] as const))("%s", async (statement, expected) => {
    expect(rowsOf(await simple(statement))).toEqual(expected);
    const answers = await bare(statement);
    expect(types(answers)).toMatch(/^12D+CZ$/);
    expect(rowsOf(answers)).toEqual(expected);
  });

  test.each([...hidden, ...quoting])("no value gets out: %s", async (statement) => {
    for (const answers of [await simple(statement), await bare(statement), await bare(statement, [1])]) expectHidden(answers);
  });

  test.each(refused)("refused: %s", async (statement) => {
    for (const answers of [await simple(statement), await bare(statement)]) {
      expect(error(answers)).toMatchObject({ C: "42501" });
      expectHidden(answers);
    }
  });

  test("a refusal is recorded, and named to the client", async () => {
    const { D = "" } = error(await simple("listen stolen"));
    const id = /Request (\S+)\./.exec(D)?.[1] ?? "";
    expect(await world.records(id)).toMatchObject([{ type: "refusal", detail: { code: "denied" } }]);
  });

  test("psql shows masks, in tables of its own making", async () => {
    const { out, err } = await ran("psql", ["-X", "-c", "select id, email from only customers order by id"], world.door);
    expect(err).toBe("");
    expect(out).toContain("****");
  });

  test("a psql that fetches by cursor, copies or describes sees masks", async () => {
    const input =
      "\\set FETCH_COUNT 1\nselect id, email from customers order by id;\n\\copy customers to stdout\nselect 1 \\gdesc\n";
    const { out, err } = await ran("psql", ["-X"], world.door, input);
    expect(out).toContain("****");
    expect(out + err).not.toContain(secret);
    expect(err).toContain("COPY gives whole rows");
  });

  test("the words of errors are hidden, their SQLSTATE is not", async () => {
    expect(error(await simple("select email::int from customers"))).toEqual({
      ...{ S: "ERROR", V: "ERROR", C: "22P02" },
      M: expect.stringContaining("words are not shown"),
    });
    expect(error(await simple("select name::int from names")).M).toContain("invalid input syntax");
  });

  test("what is deferred to the end of a transaction is hidden there too, in notices and errors", async () => {
    using owner = await RawClient.open(world.direct);
    await owner.ask(
      [
        message.query(
          "create table orders (id int, email text references customers(email) deferrable initially deferred); insert into orders select 1, email from only customers where id = 1",
        ),
        message.query(
          "create function tell() returns trigger language plpgsql as $$ begin raise warning '%', old.email; return null; end $$; create constraint trigger \"A_told\" after update on customers deferrable initially deferred for each row execute function tell()",
        ),
      ],
      2,
    );
    const change = "update only customers set email = null where id = 1";
    for (const answers of [
      await simple(change),
      await simple(`${change}; commit`),
      await client.ask(["begin", change, "commit"].map(message.query), 3),
      await bare(change),
      await client.ask([message.query("begin"), extended(change), message.sync(), message.query("commit")], 3),
      await client.ask(["begin", change, "set constraints all immediate", "rollback"].map(message.query), 4),
    ]) {
      expect(error(answers)).toMatchObject({ C: "23503", M: expect.stringContaining("words are not shown") });
      expect(answers.some(({ type }) => type === "N")).toBe(true);
      expectHidden(answers);
    }
    // Afterwards it is over.
    expect(error(await simple("select name::int from names")).M).toContain("invalid input syntax");
    await owner.ask(message.query("drop table orders; drop function tell cascade"));
  });

  test("a portal that is read in parts, with and without a Describe of the client's", async () => {
    const answers = await client.ask(
      [
        message.query("begin"),
        ...[message.parse("select id, email from customers order by id"), message.bind({ portal: "p" })],
        ...[message.execute("p", 1), message.describe("P", "p"), message.execute("p", 1), message.execute("p"), message.sync()],
        message.query("rollback"),
      ],
      3,
    );
    expect(types(answers)).toBe("CZ12DsTDsDCZCZ");
    expect(rowsOf(answers)).toEqual([
      ["1", "****"],
      ["2", null],
      ["3", "****"],
    ]);
  });

  test("one burst: each result has masks of its own, and answers stay in order", async () => {
    const answers = await client.ask(
      [
        ...[
          extended("select email from only customers where id = 1"),
          extended("select 1 as one"),
          extended("select v from vault"),
        ],
        ...[message.sync(), message.query("select name from names where id = 1; select email from only customers where id = 1")],
        ...[extended("select 'end'"), message.sync()],
      ],
      3,
    );
    expect(types(answers)).toBe("12TDC12TDC12TDCZTDCTDCZ12TDCZ");
    expect(rowsOf(answers)).toEqual([["****"], ["1"], [null], ["ann"], ["****"], ["end"]]);
  });

  test("cursors and statements that SQL has prepared", async () => {
    const answers = await client.ask(
      [
        ...["begin", "declare c cursor for select id, email, upper(email), upper(name) from customers order by id"].map(
          message.query,
        ),
        ...["fetch 1 from c", "prepare q as select lower(email), id from customers order by id limit 1", "execute q"].map(
          message.query,
        ),
        ...[message.parse("fetch 1 from c"), message.bind(), message.execute(), message.sync()],
        ...[message.parse("execute q"), message.bind({ resultFormats: [1] }), message.execute(), message.sync()],
        ...["declare n cursor for select upper(name) from names order by id", "fetch 1 from n", "rollback"].map(message.query),
      ],
      10,
    );
    expect(error(answers)).toEqual({});
    expectHidden(answers);
    expect(rowsOf(answers).slice(0, 3)).toEqual([
      ["1", "****", "****", "****"],
      ["****", "1"],
      ["2", null, null, "****"],
    ]);
    expect(rowsOf(answers).at(-1)).toEqual(["ANN"]);
  });

  test("what was prepared, declared or bound under another policy is masked by the one of now", async () => {
    using other = await RawClient.open(world.door);
    world.setPolicy(open);
    await other.ask(
      [
        ...[
          "begin",
          "declare c cursor with hold for select email from customers",
          "prepare q as select email from customers",
        ].map(message.query),
        ...[message.parse("select email from customers", "s"), message.sync(), message.query("commit")],
      ],
      5,
    );
    world.setPolicy(policy);
    const answers = await other.ask(
      [
        ...["fetch 1 from c", "execute q"].map(message.query),
        ...[message.bind({ statement: "s" }), message.execute(), message.sync()],
      ],
      3,
    );
    expect(rowsOf(answers).length).toBeGreaterThan(4);
    expectHidden(answers);
  });

  test("a statement whose table has become another one since it was described", async () => {
    using owner = await RawClient.open(world.direct);
    await owner.ask(message.query("create table turning (email text); insert into turning values ('plain')"));
    await client.ask([message.parse("select * from turning", "turns"), message.describe("S", "turns"), message.sync()]);
    await owner.ask(message.query("drop table turning; create view turning as select email from customers where id = 1"));
    // What is masked is remembered for a moment, list by list.
    world.setPolicy(policy.replaceAll("{ masks: [", '{ masks: ["public.vault.k",'));
    const answers = await client.ask([message.bind({ statement: "turns" }), message.execute(), message.sync()]);
    world.setPolicy(policy);
    await owner.ask(message.query("drop view turning"));
    expect(rowsOf(answers)).toEqual([["****"]]);
  });

  test("another search_path, or a temporary table, does not change what is masked", async () => {
    using other = await RawClient.open(world.door);
    const answers = await other.ask(
      [
        "create temp table pg_class (oid oid, relname name, relnamespace oid)",
        "create temp table pg_attribute (attrelid oid, attname name, attnum smallint, attisdropped boolean)",
        "select email from public.customers",
      ].map(message.query),
      3,
    );
    expect(error(answers)).toEqual({});
    expectHidden(answers);
    expect(error(await client.ask(message.query("set search_path = pg_temp, public"))).C).toBe("42501");
  });

  test("what a mask cannot be put on: an error of the portal is the client's to hear", async () => {
    const answers = await client.ask([
      ...[message.parse("select 1 / id from customers where id = 0 or email is null"), message.bind(), message.execute("gone")],
      message.sync(),
    ]);
    expect(types(answers)).toBe("12EZ");
  });

  test("transaction control by the extended protocol, also after an error", async () => {
    const step = (sql: string) => [message.parse(sql), message.bind(), message.execute(), message.sync()];
    const answers = await client.ask(
      [step("begin"), step("select email::int from customers where id = 1"), step("rollback")].flat(),
      3,
    );
    expect(types(answers)).toBe("12CZ12EZ12CZ");
  });

  test("limits count as they do without masks", async () => {
    world.setPolicy(few);
    const answers = [
      await simple("select email from customers order by id"),
      await bare("select email from customers order by id"),
    ];
    world.setPolicy(policy);
    for (const one of answers) {
      expect(rowsOf(one)).toEqual([["****"]]);
      expect(error(one)).toMatchObject({ C: "53400" });
    }
  });

  test("a held statement is masked when it runs, and refused when it cannot be", async () => {
    const change = "delete from only customers where id = (select min(id) from item) returning *";
    const changing = client.ask(["begin", change, "rollback"].map(message.query), 3);
    await world.approve((await world.held()).binding.requestId);
    expect(rowsOf(await changing)).toEqual([["1", "ann", "****", "****", "2001-02-03"]]);
    const stepping = bare("select email from only customers where id = (select min(id) from item)");
    await world.approve((await world.held()).binding.requestId);
    expect(rowsOf(await stepping)).toEqual([["****"]]);
    const stealing = simple("insert into names_log select id, email from customers where exists (select 1 from item)");
    await world.approve((await world.held()).binding.requestId);
    expect(error(await stealing)).toMatchObject({ C: "42501", M: expect.stringContaining("not masked") });
  });
});
