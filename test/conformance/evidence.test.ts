import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evidenceOf, evidenceWorld } from "../harness/evidence-world.ts";
import { installedPostgres, type PostgresServer, startPostgres } from "../harness/postgres.ts";

const versions = [["installed"], ["newest"]] as const;

describe.each(versions.filter(([version]) => version === "newest" || installedPostgres() !== undefined))(
  "evidence of %s PostgreSQL",
  (version) => {
    let server: PostgresServer;
    let gather: Awaited<ReturnType<typeof evidenceOf>>;
    let isNew: boolean;

    beforeAll(async () => {
      server = await startPostgres({ version, sql: evidenceWorld });
      gather = await evidenceOf(server);
      isNew = Number((await server.version()).split(".")[0]) >= 18;
    });
    afterAll(() => server.stop());

    const value = async (sql: string) => Object.values((await server.query(sql))[0] ?? {})[0];
    /** Every row with the transaction that wrote it: a change and back again would show. */
    const contents = (table: string) =>
      value(
        `select md5(coalesce(string_agg(t.xmin::text || t.ctid::text || t::text, ',' order by t::text), '')) from app.${table} t`,
      );
    const witness = () => value("select case when is_called then last_value else 0 end::int from app.witness");
    const backends = () =>
      value("select count(*)::int from pg_stat_activity where application_name = 'countersign' and state <> 'idle'");

    /** Gathers, and makes sure that the tables are as before. */
    async function harmless(table: string, ...args: Parameters<typeof gather>) {
      const before = await contents(table);
      const found = await gather(...args);
      expect(await contents(table)).toBe(before);
      return found;
    }

    describe("the plan", () => {
      test("of a change is that of the search for its rows, with the values, for a login that only reads", async () => {
        const found = await harmless("item", "plan", "update app.item set name = $1 where id <= $2", {
          parameters: [{ text: "x" }, { text: "10" }],
        });
        expect(found).toMatchObject({ kind: "plan", estimatedRows: 10, notes: [expect.stringContaining("search for the rows")] });
        expect(found.plan).toMatch(/on item .*rows=10\)\n[\s\S]*Cond: \(id <= 10\)/);
        expect(found).not.toHaveProperty("failure");
        expect(found).not.toHaveProperty("affectedRows");
      });

      test.each([
        ["delete from item where id > $1", [{ text: "4990" }], 10],
        ["delete from item", [], 5000],
        ["insert into plain select id, name from item where id < 3", [], 2],
        ["select * from item where id = 3", [], 1],
      ])("of %s", async (statement, parameters, estimatedRows) => {
        expect(await gather("plan", statement, { parameters })).toMatchObject({ estimatedRows });
      });

      test.each([
        [
          "merge into item using plain on id = a when matched then delete",
          /permission denied for table item.*A MERGE is planned only/,
        ],
        ["select * from nothing", /relation "nothing" does not exist/],
        ["drop table item", /no plan for DROP/],
      ])("of %s cannot be found out", async (statement, failure) => {
        const found = await gather("plan", statement);
        expect(found.failure).toMatch(failure);
        expect(found).not.toHaveProperty("estimatedRows");
      });

      test("is not asked for what is not understood: planning would run it", async () => {
        const before = await witness();
        for (const kind of ["plan", "effect"] as const) {
          for (const call of ["app.sly()", "app.leak()"]) {
            const found = await gather(kind, `update app.item set name = 'x' where id = ${call}`);
            expect(found.failure).toMatch(/not fully understood.*app\.(sly|leak)/);
          }
        }
        expect(await witness()).toBe(before);
        // The server would have: that is what this is about.
        await server.query("explain select * from app.item where id = app.sly()");
        expect(await witness()).toBeGreaterThan(Number(before));
      });

      test("has no line that a literal made", async () => {
        const literal = "a\n  -> Seq Scan on harmless  (cost=0.00..1.00 rows=1)\r\u2028x";
        const found = await gather("plan", "delete from item where name = $1", { parameters: [{ text: literal }] });
        expect(found.plan?.split(/[\n\r\u2028]/)).toHaveLength(2);
        expect(found.plan).toContain("a\\n  -> Seq Scan on harmless");
      });

      test("is not taken when it is huge", async () => {
        const found = await gather("plan", "delete from item where name = repeat('x', 5000000)");
        expect(found.failure).toMatch(/too large to be shown/);
      });

      test("needs a login of its own that is no superuser", async () => {
        const without = await evidenceOf(server, { evidence: undefined });
        expect((await without("plan", "delete from item")).failure).toMatch(/no login for it/);
        const asBoss = await evidenceOf(server, { evidence: { role: "boss" } });
        expect((await asBoss("plan", "delete from item")).failure).toMatch(/is a superuser/);
      });

      test("never uses the login that may change things, which an effect does", async () => {
        const roles = {
          reader: { user: "reader", password: { env: "READER" } },
          writer: { user: "writer", password: { env: "READER" } },
        };
        const lockedOut = await evidenceOf(server, { roles });
        expect(await lockedOut("plan", "delete from item where id = 1")).not.toHaveProperty("failure");
        const found = await lockedOut("effect", "delete from item where id = 1");
        // What can be found out without it still is.
        expect(found).toMatchObject({ failure: expect.stringMatching(/refused the login of role writer/), estimatedRows: 1 });
        expect(found).not.toHaveProperty("affectedRows");
      });

      test("of a database that is down says so", async () => {
        const down = await evidenceOf({ port: 1 });
        expect((await down("plan", "delete from item")).failure).toMatch(/could not be found out/);
      });
    });

    describe("the exact effect", () => {
      test("of an UPDATE: every row is counted, some are shown before and after, and nothing has changed", async () => {
        const found = await harmless("item", "effect", "update app.item set price = price * $1 where id > $2", {
          parameters: [{ text: "2" }, { text: "100" }],
        });
        expect(found).toMatchObject({ kind: "effect", affectedRows: 4900, notes: [] });
        expect(found.estimatedRows).toBeGreaterThan(4000);
        expect(found.sample).toHaveLength(5);
        expect(found.sample?.[0]).toEqual({
          columns: ["id", "name", "price", "note"],
          before: ["101", "item 101", "101.00", null],
          after: ["101", "item 101", "202.00", null],
        });
        expect(found).not.toHaveProperty("failure");
      });

      test("of a DELETE and of an UPDATE without a key", async () => {
        const gone = await harmless("item", "effect", "delete from item where id in (7, 8)");
        expect(gone).toMatchObject({ affectedRows: 2, sample: [{ before: ["7", "item 7", "7.00", null] }, {}] });
        expect(gone.sample?.[0]).not.toHaveProperty("after");
        const { sample, notes } = await harmless("plain", "effect", "update plain set b = 'z' where a = 1");
        const changed = { columns: ["a", "b"], after: ["1", "z"] };
        expect(sample).toEqual([isNew ? { ...changed, before: ["1", "x"] } : { ...changed, beforeUnknown: true }]);
        expect(notes.join()).toMatch(isNew ? /^$/ : /no primary key/);
      });

      test("of an UPDATE of the key itself", async () => {
        const { sample } = await harmless("item", "effect", "update item set id = id + 10000 where id = 3");
        const changed = { columns: ["id", "name", "price", "note"], after: ["10003", "item 3", "3.00", null] };
        expect(sample).toEqual([
          isNew ? { ...changed, before: ["3", "item 3", "3.00", null] } : { ...changed, beforeUnknown: true },
        ]);
      });

      test("of an INSERT says that numbers of a sequence are used up", async () => {
        for (const table of ["numbered", "identified"]) {
          const found = await harmless(table, "effect", `insert into ${table} (name) values ('two'), ('three')`);
          expect(found).toMatchObject({ affectedRows: 2, sample: [{ after: [expect.any(String), "two"] }, {}] });
          expect(found.sample?.[0]).not.toHaveProperty("before");
          expect(found.notes).toEqual([expect.stringContaining(`Numbers of app.${table}_id_seq may have been used up`)]);
        }
      });

      test("of an INSERT that updates on conflict tells new rows from changed ones", async () => {
        const found = await harmless(
          "item",
          "effect",
          "insert into item (id, name) values (1, 'again'), (9001, 'new') on conflict (id) do update set name = excluded.name",
        );
        expect(found.affectedRows).toBe(2);
        expect(found.sample?.[0]).toMatchObject({ before: ["1", "item 1", "1.00", null], after: ["1", "again", "1.00", null] });
        expect(found.sample?.[1]).toEqual({ columns: ["id", "name", "price", "note"], after: ["9001", "new", null, null] });
      });

      test("of a MERGE", async () => {
        const found = await harmless(
          "item",
          "effect",
          "merge into item t using (values (1, 'm'), (2, 'd'), (9002, 'i')) v(id, name) on t.id = v.id when matched and v.name = 'd' then delete when matched then update set name = v.name when not matched then insert (id, name) values (v.id, v.name)",
        );
        expect(found).toMatchObject({ affectedRows: 3 });
        if (!isNew) return expect(found).toMatchObject({ sample: [], notes: [expect.stringContaining("No rows can be shown")] });
        const kinds = found.sample?.map(({ before, after }) => [before?.[1], after?.[1]]);
        expect(kinds?.toSorted()).toEqual(
          [
            ["item 1", "m"],
            ["item 2", undefined],
            [undefined, "i"],
          ].toSorted(),
        );
      });

      test("of a statement that has a list, aliases and a WITH clause of its own", async () => {
        const found = await harmless(
          "item",
          "effect",
          "with k as (select 5 as id) update item as old set name = upper(old.name) from k where old.id = k.id returning old.id, k.id as other; -- done",
        );
        expect(found).toMatchObject({
          affectedRows: 1,
          sample: [{ before: ["5", "item 5", "5.00", null], after: ["5", "ITEM 5", "5.00", null] }],
        });
      });

      test("of nothing is zero, which was found out", async () => {
        expect(await gather("effect", "delete from item where id = -1")).toMatchObject({ affectedRows: 0, sample: [] });
      });

      test("shows long and large values cut, and only columns that the role may read", async () => {
        const found = await harmless(
          "item",
          "effect",
          "update item set name = repeat('é', 300), note = repeat('x', 2000000) where id = 1",
        );
        expect(found.sample?.[0]?.after).toEqual([
          "1",
          `${"é".repeat(200)}…`,
          "1.00",
          expect.stringMatching(/^(x{200}…|\(\d+ bytes\)…)$/),
        ]);
        const secret = await harmless("secret", "effect", "update secret set shown = 'x' where id = 1");
        expect(secret.sample).toEqual([{ columns: ["id", "shown"], before: ["1", "seen"], after: ["1", "x"] }]);
        expect(JSON.stringify(secret)).not.toContain("unseen");
      });

      test("names tables that foreign keys lead to", async () => {
        const found = await harmless("child", "effect", "delete from parent where id = 1");
        expect(found).toMatchObject({ affectedRows: 1, notes: [expect.stringContaining("app.child")] });
      });

      test.each([
        ["insert into numbered (id, name) values (7, 'one')", /duplicate key value.*23505/],
        ["insert into late values (1, 99)", /violates foreign key constraint.*23503/],
        ["update item set price = price / 0", /division by zero/],
      ])("of a statement that fails is its failure: %s", async (statement, failure) => {
        const found = await gather("effect", statement);
        expect(found.failure).toMatch(failure);
        expect(found).not.toHaveProperty("affectedRows");
      });

      test.each([
        ["triggered", "update triggered set id = 2", /has triggers \(watch\)/],
        ["ruled", "delete from ruled", /has rules \(also\)/],
        ["defaulted", "insert into defaulted (id) values (2)", /runs the function leak/],
        ["checked", "update checked set n = 0", /runs the function leak/],
        ["indexed", "update indexed set n = 3", /runs the function sly/],
        ["split", "insert into split values (1)", /app\.split_1 has triggers/],
        ["below", "delete from top", /app\.below has triggers/],
        ["policed", "delete from policed", /runs the function leak/],
        ["domained", "update domained set n = -1", /runs the function leak/],
        ["item", "update item set price = 0 where id in (select n from looked)", /app\.looked runs the function leak/],
        ["item", "update item set price = 0 where id in (select n from over)", /app\.looked runs the function leak/],
        ["item", "update direct set price = 0 where id = 1", /is not an ordinary table/],
      ])("is not tried where a rollback would leave something: %s by %s", async (table, statement, failure) => {
        // Looking at the table from here may itself call it.
        const rows = await contents(table);
        const before = await witness();
        const found = await gather("effect", statement);
        expect(await witness()).toBe(before);
        expect(await contents(table)).toBe(rows);
        expect(found.failure).toMatch(failure);
        expect(found).not.toHaveProperty("affectedRows");
      });

      test.each([
        ["with gone as (delete from plain returning a) delete from item where id in (select a from gone)", /of one table/],
        ["select * from item for update", /of one table/],
        ["create table app.other ()", /no plan for CREATE/],
        ["truncate item", /no plan for TRUNCATE/],
        ["copy item from '/etc/passwd'", /no plan|not fully understood/],
        ["update many set n = 1", /expects 120000 rows/],
        ["insert into numbered (name) select name from item", /expects \d+ rows, more than the 100/],
      ])("is not tried for %s", async (statement, failure) => {
        const found = await gather("effect", statement);
        expect(found.failure).toMatch(failure);
        expect(found).not.toHaveProperty("affectedRows");
      });

      test("never waits for locks", async () => {
        const other = new pg.Client(server.connection());
        await other.connect();
        try {
          await other.query("begin; update app.item set note = 'mine' where id = 42");
          const started = performance.now();
          const found = await gather("effect", "update item set price = 1 where id in (41, 42)");
          expect(performance.now() - started).toBeLessThan(1500);
          expect(found.failure).toMatch(/locked by somebody else/);
          expect(found).not.toHaveProperty("affectedRows");
          expect(found.estimatedRows).toBe(2);
          await other.query("rollback; begin; lock table app.item in access exclusive mode");
          expect((await gather("effect", "update item set price = 1 where id = 42")).failure).toMatch(/locked by somebody else/);
          expect((await gather("plan", "update item set price = 1 where id = 42")).failure).toMatch(/locked by somebody else/);
        } finally {
          await other.end();
        }
      });

      test("takes no longer than it may, and lets go of everything", async () => {
        const started = performance.now();
        const slow = "update item set price = (select count(*) from generate_series(1, 100000000)) where id = 1";
        expect((await gather("effect", slow)).failure).toMatch(/took longer than 2000 ms/);
        expect(performance.now() - started).toBeLessThan(4500);
        await server.query("set lock_timeout = 500; update app.item set note = null where id = 1");
        for (let tries = 0; tries < 50 && Number(await backends()) > 0; tries++) await sleep(20);
        expect(await backends()).toBe(0);
      });

      test("lets go at once when it is stopped", async () => {
        const stop = new AbortController();
        const slow = "update item set price = (select count(*) from generate_series(1, 100000000)) where id = 1";
        const gathering = gather("effect", slow, { signal: stop.signal });
        await sleep(400);
        expect(await backends()).toBe(1);
        const started = performance.now();
        stop.abort();
        expect((await gathering).failure).toBeDefined();
        await server.query("set lock_timeout = 1000; update app.item set note = null where id = 1");
        expect(performance.now() - started).toBeLessThan(1000);
      });
    });
  },
);
