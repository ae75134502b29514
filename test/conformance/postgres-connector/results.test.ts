import type { Limits } from "@countersign/policy";
import type { ResultChunk } from "@countersign/sidecar";
import { describe, expect, it } from "vitest";
import { call, connected, eventually, versions } from "./world.ts";

describe.each(versions)("what the PostgreSQL connector runs on the %s server", (version) => {
  const at = connected(version);

  describe("results", () => {
    it("come with their columns, in text format, as PostgreSQL writes them", async () => {
      const { outcome, rows, columns, marker } = await call(
        at.db,
        `select 1::int2 as i, 9007199254740993::int8, 1.50::numeric(6,2), 'Zoë 🦉'::text, null::text, true, '\\x00ff'::bytea,
         timestamptz '2024-02-29 12:00:00.123456+02', date '0044-03-15 BC', '{"a": [1]}'::jsonb, array[1,null,3], interval '1 mon 2 days', 'NaN'::float8, ''::text, (1,'x')`,
        { readOnly: true },
      );
      expect(rows).toEqual([
        // biome-ignore format: one row
        ["1", "9007199254740993", "1.50", "Zoë 🦉", null, "t", "\\x00ff", "2024-02-29 10:00:00.123456+00", "0044-03-15 BC", '{"a": [1]}', "{1,NULL,3}", "1 mon 2 days", "NaN", "", "(1,x)"],
      ]);
      expect(columns[0]).toEqual({ name: "i", typeOid: 21, typeModifier: -1 });
      expect(columns[2]).toMatchObject({ typeOid: 1700, typeModifier: ((6 << 16) | 2) + 4 });
      expect(outcome).toMatchObject({ state: "succeeded", commandTag: "SELECT 1", rows: 1 });
      expect(marker).toBeNull();
    });

    it("may have no rows, or rows without columns", async () => {
      const none = await call(at.db, "select id, name from item where false", { readOnly: true });
      expect(none.columns.map(({ name }) => name)).toEqual(["id", "name"]);
      expect(none.outcome).toMatchObject({ state: "succeeded", rows: 0, bytes: 0 });
      const empty = await call(at.db, "select from item limit 3", { readOnly: true });
      expect(empty.rows).toEqual([[], [], []]);
    });

    it("take parameters as text, as binary and as NULL, with the types that the statement asks for", async () => {
      const { rows } = await call(at.db, "select $1::int + 1, $2::bytea, $3::text, $4::int8 - 1, $5::text", {
        readOnly: true,
        parameters: [
          { text: "41" },
          { binary: Buffer.from([0, 255, 92]).toString("base64url") },
          null,
          { binary: Buffer.from("0000000000000001", "hex").toString("base64url") },
          { text: "'; drop table item; --" },
        ],
      });
      expect(rows).toEqual([["42", "\\x00ff5c", null, "0", "'; drop table item; --"]]);
    });

    it("say how many rows a statement changed", async () => {
      const inserted = await call(at.db, "insert into item values (1001, 'a'), (1002, 'b') returning id");
      expect(inserted.outcome).toMatchObject({ state: "succeeded", commandTag: "INSERT 0 2", rowsAffected: 2, rows: 2 });
      const deleted = await call(at.db, "delete from item where id > 1000");
      expect(deleted.outcome).toMatchObject({ state: "succeeded", commandTag: "DELETE 2", rowsAffected: 2, rows: 0 });
    });
  });

  describe("bad input", () => {
    it.each([
      ["several statements in one string", "select 1; drop table item", "target_error", "42601"],
      ["a syntax error", "selec 1", "target_error", "42601"],
      ["an unknown table", "select * from nowhere", "target_error", "42P01"],
      ["a parameter that is missing", "select $1::int", "target_error", "08P01"],
      ["no statement", "-- nothing", "invalid_operation", undefined],
      ["COPY to the client", "copy item to stdout", "invalid_operation", undefined],
      ["COPY from the client", "copy item from stdin", "invalid_operation", undefined],
    ])("%s fails and leaves the connection usable", async (_, statement, code, targetCode) => {
      for (const readOnly of [true, false]) {
        const { outcome } = await call(at.db, statement, { readOnly });
        expect(outcome).toMatchObject({ state: "failed", failure: { code } });
        expect(outcome.failure?.targetCode).toBe(targetCode);
      }
      expect((await call(at.db, "select 1", { readOnly: true })).outcome.state).toBe("succeeded");
      expect(await at.count()).toBe(100);
    });

    it.each([
      ["transaction control", "/* x */ begin", []],
      ["a NUL byte", "select 1\0; drop table item", []],
      ["a lone surrogate", "select '\ud800'", []],
      ["a parameter that is not base64url", "select $1::bytea", [{ binary: "a=" }]],
    ])("%s is refused before anything is sent", async (_, statement, parameters) => {
      const refused = call(at.db, statement, { parameters });
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^invalid_(operation|parameter)$/) });
    });

    it("a wrong type of parameter fails with the server's words", async () => {
      const { outcome } = await call(at.db, "select $1::int", { readOnly: true, parameters: [{ text: "seven" }] });
      expect(outcome.failure).toMatchObject({
        code: "target_error",
        targetCode: "22P02",
        message: expect.stringContaining("seven"),
      });
    });
  });

  describe("writes", () => {
    it("happen only with COMMIT, and their marker tells that they did", async () => {
      const { outcome, marker } = await call(at.db, "update item set name = 'x' where id = 1", {
        prepared: async () => expect((await at.server.query("select name from app.item where id = 1"))[0]?.name).toBe("item 1"),
      });
      expect(outcome.state).toBe("succeeded");
      expect(await at.db.resolve(marker, "writer")).toMatchObject({ state: "succeeded" });
    });

    it("that fail leave nothing, and their marker tells that they did not happen", async () => {
      const { outcome, marker } = await call(at.db, "insert into item select g, 'y' from generate_series(200, 1, -1) g");
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "23505" } });
      expect(await at.db.resolve(marker, "writer")).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
      expect(await at.count()).toBe(100);
    });

    it("that break a deferred constraint fail at COMMIT", async () => {
      await call(at.db, "create table deferred (id int unique deferrable initially deferred)");
      const { outcome, marker } = await call(at.db, "insert into deferred values (1), (1)");
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "23505" } });
      expect(await at.db.resolve(marker, "writer")).toMatchObject({ state: "failed" });
      expect(await at.server.query("select * from app.deferred")).toEqual([]);
    });

    it("that commit by themselves are refused by the server and change nothing", async () => {
      await call(at.db, "create procedure sneaky() language plpgsql as $$ begin delete from app.item; commit; end $$");
      for (const statement of ["do $$ begin delete from app.item; commit; end $$", "call sneaky()"]) {
        const { outcome } = await call(at.db, statement);
        expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "2D000" } });
      }
      expect(await at.count()).toBe(100);
    });

    it("that PostgreSQL runs only outside a transaction are run so, without a marker", async () => {
      for (const statement of [
        "vacuum item",
        "create index concurrently by_name on item (name)",
        "drop index concurrently by_name",
      ]) {
        const { outcome, marker } = await call(at.db, statement);
        expect(outcome, statement).toMatchObject({ state: "succeeded" });
        expect(marker).toBeNull();
      }
      expect(await at.db.resolve(null, "writer")).toMatchObject({ state: "unknown" });
    });

    it("need their role's own privileges", async () => {
      const { outcome } = await call(at.db, "delete from item", { role: "reader" });
      expect(outcome).toMatchObject({ state: "failed", failure: { targetCode: "42501" } });
    });
  });

  describe("limits", () => {
    const stream = "select generate_series(1, 5000000), repeat('x', 100)";

    it.each([
      ["rows", { rows: 1234 }, "1234 rows"],
      ["bytes", { bytes: 100_000 }, "100000 bytes"],
      ["time", { timeMs: 100 }, "100 ms"],
    ])("on %s end a read on the stream", async (_, limits: Limits, named) => {
      const { outcome, rows } = await call(at.db, stream, { readOnly: true, limits });
      expect(outcome).toMatchObject({
        state: "failed",
        failure: { code: "limit_exceeded", message: expect.stringContaining(named) },
      });
      expect(outcome.rows).toBe(rows.length);
      if (limits.rows) expect(rows).toHaveLength(limits.rows);
      if (limits.bytes) expect(outcome.bytes).toBeLessThanOrEqual(limits.bytes);
      if (limits.bytes) expect(outcome.bytes).toBeGreaterThan(limits.bytes - 200);
      const mine = "select 1 from pg_stat_activity where state = 'active' and query like 'select generate_series%'";
      await eventually(async () => (await at.server.query(mine)).length === 0, "the server stops");
    });

    it("are no limit for a result that just meets them", async () => {
      const { outcome } = await call(at.db, "select id from item", { readOnly: true, limits: { rows: 100 } });
      expect(outcome).toMatchObject({ state: "succeeded", rows: 100 });
    });

    it("on rows roll a write back", async () => {
      const { outcome, rows } = await call(at.db, "delete from item returning id", { limits: { rows: 5 } });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" } });
      expect(rows).toHaveLength(5);
      expect(await at.count()).toBe(100);
    });

    it("on time end a statement that gives no rows, and a write is rolled back", async () => {
      const { outcome } = await call(at.db, "with gone as (delete from item) select pg_sleep(20)", { limits: { timeMs: 150 } });
      expect(outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" } });
      expect(outcome.durationMs).toBeLessThan(3000);
      expect(await at.count()).toBe(100);
    });

    it("keep a row above them from being received at all", async () => {
      const before = process.memoryUsage().rss;
      const { outcome, rows } = await call(at.db, "select repeat('x', 50000000)", { readOnly: true, limits: { bytes: 1000 } });
      expect(outcome).toMatchObject({
        state: "failed",
        failure: { code: "limit_exceeded", message: expect.stringContaining("1000 bytes") },
      });
      expect(rows).toEqual([]);
      expect(process.memoryUsage().rss - before).toBeLessThan(30_000_000);
      const huge = await call(at.db, "select repeat('x', 70000000)", { readOnly: true });
      expect(huge.outcome).toMatchObject({
        state: "failed",
        failure: { code: "limit_exceeded", message: expect.stringContaining("row") },
      });
    });
  });

  it("holds the server back when the reader is slow, so that memory stays flat", async () => {
    const before = process.memoryUsage().rss;
    let stalled = false;
    let grown = 0;
    const waiting = "select 1 from pg_stat_activity where query like 'select repeat(''s''%' and wait_event = 'ClientWrite'";
    const sink = async (chunk: ResultChunk) => {
      if (chunk.type === "columns" || stalled) return;
      stalled = true;
      for (let seen = 0; seen < 5; seen++)
        await eventually(async () => (await at.server.query(waiting)).length === 1, "the server waits");
      grown = process.memoryUsage().rss - before;
    };
    const { outcome } = await call(at.db, "select repeat('s', 1000) from generate_series(1, 300000)", { readOnly: true, sink });
    expect(outcome).toMatchObject({ state: "succeeded", rows: 300_000, bytes: 300_000 * 1006 });
    expect(grown).toBeLessThan(100_000_000);
  });
});
