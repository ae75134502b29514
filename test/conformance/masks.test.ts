import { classify, type Facts, isReadOnly, loadParser } from "@countersign/policy";
import type { Connector, ResultChunk } from "@countersign/sidecar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeRows } from "../../packages/sidecar/src/protocols/postgres/codec.ts";
import { openPostgresConnector, postgresResourceSchema } from "../../packages/sidecar/src/protocols/postgres/index.ts";
import { installedPostgres, type PostgresServer, startPostgres } from "../harness/postgres.ts";

/** Occurs in no other value, message or name. */
const secret = "s3cret-9041";
const masks = ["public.customers.email", "public.customers.note", "public.vault.*"];
const world = [
  "create role reader login password 'pw'",
  "create table customers (id int primary key, name text not null, email text unique check (email <> 'bad'), note varchar(40), born date)",
  `insert into customers values (1, 'ann', '${secret}', '${secret}', '2001-02-03'), (2, 'bob', null, null, null)`,
  "create table customers_west () inherits (customers)",
  `insert into customers_west values (3, 'cyn', '${secret}-w', null, null)`,
  `create table vault (k int, v int)`,
  "insert into vault values (90417, 90417)",
  "create view mail as select id, lower(email) as address from customers",
  "create view mail_again as select address as a from mail",
  "create view names as select id, name from customers",
  "grant all on all tables in schema public to reader",
  "analyze",
];

const versions = installedPostgres() ? (["newest", "installed"] as const) : (["newest"] as const);

describe.each(versions)("masked columns, on the %s PostgreSQL", (version) => {
  let server: PostgresServer;
  let connector: Connector;
  beforeAll(async () => {
    await loadParser();
    server = await startPostgres({ version, sql: world, configuration: { fsync: "off" } });
    const resource = postgresResourceSchema.parse({
      ...{ name: "db", type: "postgres", address: `127.0.0.1:${server.port}`, database: "postgres", tls: "disable" },
      roles: { reader: { user: "reader", password: { env: "PW" } } },
    });
    connector = openPostgresConnector(resource, { folder: "/", env: { PW: "pw" } });
  });
  afterAll(async () => {
    await connector?.close();
    await server?.stop();
  });

  async function run(statement: string) {
    const operation = { kind: "postgres.query", statement, parameters: [] } as const;
    const facts: Facts = classify(operation, { searchPath: ["public"] });
    const rows: (string | null)[][] = [];
    const sink = (chunk: ResultChunk) => {
      if (chunk.type === "rows") rows.push(...decodeRows(Buffer.from(chunk.data), chunk.count));
    };
    const options = { signal: new AbortController().signal, readOnly: isReadOnly(facts) };
    const dispatch = connector.dispatch(operation, "reader", { masks }, options);
    try {
      await dispatch.prepare();
      const outcome = await dispatch.run(sink);
      return { rows, outcome };
    } finally {
      await dispatch.close();
    }
  }

  test.each([
    [
      "select id, name, email, note from only customers order by id",
      [
        ["1", "ann", "****", "****"],
        ["2", "bob", null, null],
      ],
    ],
    ["select * from only customers where id = 1", [["1", "ann", "****", "****", "2001-02-03"]]],
    ["select email as name from only customers where id = 1", [["****"]]],
    ["select e from (select email as e from only customers) x where e is not null", [["****"]]],
    ["with x as (select * from only customers) select * from x where id = 1", [["1", "ann", "****", "****", "2001-02-03"]]],
    [
      "select id, upper(name) from only customers order by id",
      [
        ["1", "ANN"],
        ["2", "BOB"],
      ],
    ],
    ["select count(*), max(id) from customers", [["3", "3"]]],
    ["select email from customers_west", [["****"]]],
    ["select v, k from vault", [[null, null]]],
    ["select id, name from names where id = 1", [["1", "ann"]]],
    ["select id, address from mail where id = 1", [[null, "****"]]],
    ["select a from mail_again where a is not null limit 1", [["****"]]],
    ["update only customers set born = '2002-02-02' where id = 1 returning email, born", [["****", "2002-02-02"]]],
    ["update only customers set born = '2001-02-03' where id = 1 returning *", [["1", "ann", "****", "****", "2001-02-03"]]],
  ])("%s", async (statement, expected) => {
    const { rows, outcome } = await run(statement);
    expect(outcome.failure).toBeUndefined();
    expect(rows).toEqual(expected);
  });

  test.each([
    "select lower(email) from customers",
    "select email || '' from customers",
    "select substr(email, 1, 5), length(email) from customers",
    "select c from customers c",
    "select customers from customers",
    "select to_jsonb(c) from customers c",
    "select row_to_json(q) from (select * from customers) q",
    "select lower(b) from customers c(a, n, b)",
    "select lower(b) from (select * from customers) s(a, n, b)",
    "select (c).email from customers c",
    "select email(c) from customers c",
    "select max(email) from customers",
    "select string_agg(email, ',') from customers",
    "select array_agg(c) from customers c",
    "select array(select email from customers)",
    "select (select email from customers limit 1)",
    "select email from customers union all select email from customers",
    "select * from customers union select * from customers",
    "select distinct email from customers",
    "select case when true then email end from customers",
    "select coalesce(email, '') from customers",
    "select * from customers a natural full join customers b",
    "select email from customers a full join customers b using (email)",
    "select x.* from customers c, lateral (select c.email) x",
    "select x from customers c, lateral (values (c.email)) v(x)",
    "select (row(c.*)).f3 from customers c",
    "select json_build_object('e', email) from customers",
    "select most_common_vals::text from pg_stats where tablename = 'customers'",
    "select * from pg_stats where tablename like 'customers%'",
    "insert into customers (id, name, email) select id + 100, name, email || 'x' from customers where false returning lower(email)",
    "update only customers set name = name where id = 1 returning lower(email)",
    "update only customers c set name = name where id = 1 returning c",
    "table mail",
    "select * from mail_again",
  ])("no value gets out: %s", async (statement) => {
    const { rows } = await run(statement);
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify(rows)).not.toContain("90417");
  });

  test.each([
    "select email::int from customers",
    "select name::int, email from customers where email::date > now()",
    "update only customers set name = null where id = 1",
    "update only customers set email = 'bad' where id = 1",
    "insert into customers (id, name, email) select 50, 'x', email from only customers where id = 1",
  ])("the database's own words are not shown where they could quote a value: %s", async (statement) => {
    const { outcome } = await run(statement);
    expect(outcome).toMatchObject({
      state: "failed",
      failure: { code: "target_error", targetCode: expect.stringMatching(/^\w{5}$/) },
    });
    expect(JSON.stringify(outcome)).not.toContain(secret);
  });

  test("other errors are shown", async () => {
    const { outcome } = await run("select name::int from names");
    expect(outcome.failure?.message).toContain("invalid input syntax");
  });

  test("a mask that names no column of its table shows nothing of the table, and says why", async () => {
    const operation = { kind: "postgres.query", statement: "select id from customers", parameters: [] } as const;
    const options = { signal: new AbortController().signal, readOnly: true };
    const dispatch = connector.dispatch(operation, "reader", { masks: ["public.customers.e_mail"] }, options);
    await expect(dispatch.prepare()).rejects.toMatchObject({ code: "denied", message: expect.stringContaining("e_mail") });
    await dispatch.close();
  });
});
