import { classify, type Facts, isReadOnly, loadParser } from "@countersign/policy";
import type { Connector, ResultChunk } from "@countersign/sidecar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeRows } from "../../packages/sidecar/src/protocols/postgres/codec.ts";
import { openPostgresConnector, postgresResourceSchema } from "../../packages/sidecar/src/protocols/postgres/index.ts";
import { installedPostgres, type PostgresServer, startPostgres } from "../harness/postgres.ts";
import { hidden, masks, quoting, refused, secret, shown, world } from "./masked-statements.ts";

const reader = [
  "create role reader login password 'pw'",
  "grant all on all tables in schema public to reader",
  "grant create on schema public to reader",
];
const versions = installedPostgres() ? (["newest", "installed"] as const) : (["newest"] as const);

describe.each(versions)("masked columns, on the %s PostgreSQL", (version) => {
  let server: PostgresServer;
  let connector: Connector;
  beforeAll(async () => {
    await loadParser();
    server = await startPostgres({ version, sql: [...world, ...reader], configuration: { fsync: "off" } });
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

  test.each(shown.map(([statement, rows]) => [statement, rows] as const))("%s", async (statement, expected) => {
    const { rows, outcome } = await run(statement);
    expect(outcome.failure).toBeUndefined();
    expect(rows).toEqual(expected);
  });

  test.each(hidden)("no value gets out: %s", async (statement) => {
    const { rows } = await run(statement);
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify(rows)).not.toContain("90417");
  });

  test.each(quoting)("the database's own words are not shown where they could quote a value: %s", async (statement) => {
    const { outcome } = await run(statement);
    expect(outcome).toMatchObject({
      state: "failed",
      failure: { code: "target_error", targetCode: expect.stringMatching(/^\w{5}$/) },
    });
    expect(JSON.stringify(outcome)).not.toContain(secret);
  });

  test.each(refused)("refused: %s", async (statement) => {
    await expect(run(statement)).rejects.toMatchObject({ code: "denied" });
  });

  test.each([
    "update only customers set email = null, name = 'bob' where email is null",
    "insert into customers (id, name, email) values (2, 'bob', null) on conflict (id) do update set email = excluded.email",
    "insert into names_log select id, name from customers where email like 's%'",
    "delete from customers where email = 'nobody'",
    "create table plain as select id from names_log",
  ])("not refused: %s", async (statement) => {
    expect((await run(statement)).outcome.failure).toBeUndefined();
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
