import { CountersignError } from "@countersign/policy";
import { describe, expect, it } from "vitest";
import { leadingWords, planOf } from "./plan.ts";

describe("planOf", () => {
  it.each([
    "BEGIN",
    "start  transaction read only",
    "/* a /* nested */ comment */ Commit",
    "-- line\n rollback prepared 'x'",
    ";end",
    "abort",
    "savepoint a",
    "release a",
    "prepare transaction 'x'",
  ])("refuses %j", (statement) => {
    expect(() => planOf(statement, false)).toThrow(expect.objectContaining({ code: "invalid_operation" }));
    expect(() => planOf(statement, true)).toThrow(CountersignError);
  });

  it.each([
    "insert into t values (1)",
    "prepare p as select 1",
    "create index i on t (a)",
    "alter table t add column begin int",
    "do $$ begin end $$",
    "truncate t",
    "begin_the_query()",
  ])("runs %j in a transaction", (statement) => {
    expect(planOf(statement, false).mode).toBe("transaction");
  });

  it.each([
    "vacuum (full) t",
    "create database d",
    "drop tablespace s",
    "alter system set x = 1",
    "create unique index concurrently i on t (a)",
    "DROP INDEX CONCURRENTLY i",
    "alter table t detach partition p concurrently",
    "reindex table t",
  ])("runs %j on its own", (statement) => {
    expect(planOf(statement, false).mode).toBe("standalone");
  });

  it("gives a connection back as it was after a read, cleans it after a change of rows, and ends it after the rest", () => {
    expect(planOf("select 1", true)).toEqual({ mode: "read", afterwards: "keep" });
    expect(planOf("update t set a = 1", false).afterwards).toBe("reset");
    expect(planOf("with x as (select 1) update t set a = 1", false).afterwards).toBe("end");
    expect(planOf("select f()", false).afterwards).toBe("end");
    expect(planOf("load 'x'", false).afterwards).toBe("end");
  });
});

describe("leadingWords", () => {
  it("ends at what is no word, also when a comment never ends", () => {
    expect(leadingWords("select 1", 3)).toEqual(["SELECT"]);
    expect(leadingWords("/* open", 3)).toEqual([]);
    expect(leadingWords("-- only this", 3)).toEqual([]);
    expect(leadingWords("a/**/b--\r\nc d", 3)).toEqual(["A", "B", "C"]);
  });
});
