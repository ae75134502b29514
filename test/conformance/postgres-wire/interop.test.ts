import { join } from "node:path";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { everyType } from "./every-type.ts";
import { type Door, ran } from "./psql.ts";
import { openForbiddenWorld, type WireWorld } from "./world.ts";

const folder = new URL("interop/", import.meta.url).pathname;
const denied = "select * from forbidden";

describe("drivers, unmodified, by a policy that denies one table", () => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openForbiddenWorld();
    await world.instance.postgres.query("create table item (id int primary key, label text)", [], "orders");
    await world.instance.postgres.query("alter table item owner to orders_writer", [], "orders");
    world.mark();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  /** What a client does through both doors must come to the same. */
  async function alike<Value>(work: (door: Door) => Promise<Value>): Promise<Value> {
    const wanted = await work(world.direct);
    const got = await work(world.guarded);
    expect(got).toEqual(wanted);
    return got;
  }

  it("psycopg: types in text and binary, transactions, COPY, pipelines, notifications", async () => {
    const { out } = await alike(async (door) => {
      const done = await ran("/usr/bin/python3", [join(folder, "psycopg_session.py")], door, everyType);
      expect(done.err).toBe("");
      return done;
    });
    expect(out.split("\n").length).toBeGreaterThan(150);
  });

  it("psycopg: goes on after every denial, also in its pipelines", async () => {
    const { out, err, code } = await ran("/usr/bin/python3", [join(folder, "psycopg_denied.py")], world.guarded);
    expect(err).toBe("");
    expect(code).toBe(0);
    const said = Object.fromEntries(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/: (.*)/, 2)),
    );
    for (const where of [
      "alone",
      "with values",
      "prepared",
      "in a text of several",
      "by a named cursor",
      "by COPY",
      "in a transaction",
      "in a pipeline",
    ])
      expect(said[where], where).toContain("('InsufficientPrivilege', '42501'");
    expect(said.alone).toContain("That table is not for you.");
    expect(said).toMatchObject({
      "goes on": "(1,)",
      committed: "[(1,), (2,)]",
      "rolled back as one": "[(1,), (2,)]",
      "each by itself": "[(1,), (2,), (5,), (6,)]",
    });
  });

  it("node-postgres: rows in text and binary, named statements, parameters of every kind", async () => {
    await alike(async (door) => {
      const client = new pg.Client(door);
      await client.connect();
      try {
        const results: unknown[] = [];
        for (const binary of [false, true]) {
          const config = { text: everyType, rowMode: "array", binary } as pg.QueryArrayConfig;
          const { rows, fields } = await client.query(config);
          results.push(
            rows,
            fields.map(({ name, dataTypeID, format }) => [name, dataTypeID, format]),
          );
        }
        for (let n = 0; n < 3; n++)
          results.push((await client.query({ name: "twice", text: "select $1::int * 2 as n", values: [n] })).rows);
        const values = [1, "text", null, true, new Date(0), Buffer.from([0, 255]), [1, 2], { a: 1 }];
        const text = "select $1::int, $2::text, $3::text, $4::bool, $5::timestamptz, $6::bytea, $7::int[], $8::jsonb";
        results.push((await client.query(text, values)).rows, await failureOf(client.query("select 1 / $1::int", [0])));
        results.push((await client.query("select 1; select 2")) as unknown);
        return JSON.parse(JSON.stringify(results));
      } finally {
        await client.end();
      }
    });
  });

  it("node-postgres: a pool survives denials, and no connection of it is lost", async () => {
    const pool = new pg.Pool({ ...world.guarded, max: 3 });
    const lost: unknown[] = [];
    pool.on("error", (error) => lost.push(error));
    try {
      const backends = async (): Promise<unknown> => (await pool.query("select pg_backend_pid() as pid")).rows[0]?.pid;
      const before = await backends();
      for (let n = 0; n < 20; n++) {
        const error = await failureOf(n % 2 === 0 ? pool.query(denied) : pool.query(`${denied} where secret = $1`, ["x"]));
        expect(error).toMatchObject({ code: "42501", severity: "ERROR" });
      }
      const mixed = Array.from({ length: 30 }, (_, n) =>
        n % 3 === 0 ? failureOf(pool.query(denied)) : pool.query("select $1::int as n", [n]),
      );
      const done = await Promise.all(mixed);
      expect(done.filter((one) => typeof one === "object" && one !== null && "rows" in one)).toHaveLength(20);
      expect(before).toEqual(expect.any(Number));
      expect(lost).toEqual([]);
    } finally {
      await pool.end();
    }
  });

  it("node-postgres: a transaction lives on after a denial, with what it did before", async () => {
    const client = new pg.Client(world.guarded);
    await client.connect();
    try {
      await client.query("begin");
      await client.query("insert into item values ($1, $2)", [1, "kept"]);
      expect(await failureOf(client.query(denied))).toMatchObject({ code: "42501" });
      expect(await failureOf(client.query(`${denied} where secret = $1`, ["x"]))).toMatchObject({ code: "42501" });
      await client.query("insert into item values ($1, $2)", [2, "too"]);
      await client.query("commit");
      expect((await client.query("select id from item order by id")).rows).toEqual([{ id: 1 }, { id: 2 }]);
    } finally {
      await client.end();
    }
  });

  it("postgres.js: rows, pipelined calls, transactions, cursors, COPY", async () => {
    await alike(async (door) => {
      const sql = postgres({
        ...door,
        max: 2,
        connection: { application_name: "interop" },
        fetch_types: true,
        onnotice: () => {},
      });
      try {
        const results: unknown[] = [
          ...(await sql`select ${"a"} as a, ${7}::int as b, ${[1, 2]}::int[] as c, ${sql.json({ x: 1 })} as d`),
        ];
        results.push(await sql.unsafe(everyType).values());
        results.push(await Promise.all(Array.from({ length: 30 }, (_, n) => sql`select ${n}::int as n`)));
        results.push(
          await sql.begin(async (inside) => {
            await inside`create temp table t (a int) on commit drop`;
            await inside`insert into t ${inside([{ a: 1 }, { a: 2 }])}`;
            await inside
              .savepoint((deeper) => deeper`insert into t values (${"x"}::int)`)
              .catch((error) => results.push(error.code));
            return inside`select * from t`;
          }),
        );
        const parts: unknown[] = [];
        for await (const part of sql`select n from generate_series(1, 7) n`.cursor(3)) parts.push(part.map(({ n }) => n));
        results.push(parts, (await sql`select 1; select 2`.simple()) as unknown);
        const lines: string[] = [];
        for await (const chunk of await sql`copy (select generate_series(1, 3)) to stdout`.readable()) lines.push(String(chunk));
        results.push(lines.join(""), await failureOf(sql`select 1 / ${0}::int`));
        return JSON.parse(JSON.stringify(results));
      } finally {
        await sql.end({ timeout: 5 });
      }
    });
  });

  it("postgres.js: its pool survives denials", async () => {
    const sql = postgres({ ...world.guarded, max: 3, onclose: () => closed.push("closed") });
    const closed: string[] = [];
    try {
      for (let n = 0; n < 10; n++)
        expect(await failureOf(sql`select * from forbidden where secret = ${"x"}`)).toMatchObject({ code: "42501" });
      const mixed = Array.from({ length: 30 }, (_, n) =>
        n % 3 === 0 ? failureOf(sql`select * from forbidden`) : sql`select ${n}::int as n`,
      );
      const done = await Promise.all(mixed);
      expect(done.filter(Array.isArray)).toHaveLength(20);
      expect(closed).toEqual([]);
    } finally {
      await sql.end({ timeout: 5 });
    }
  });

  it("has nothing run of what was denied", () => {
    expect(world.ran("forbidden")).toEqual([]);
    expect(world.ran("into item")).not.toEqual([]);
  });
});

/** Why a call failed, in the fields that both doors must agree on. */
async function failureOf(call: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await call;
  } catch (error) {
    const { message, code, severity, detail, hint, position, routine } = Object(error);
    return { message, code, severity, detail, hint, position, routine };
  }
  throw new Error("It was not refused");
}
