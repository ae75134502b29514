import { beforeAll, describe, expect, test } from "vitest";
import { changeStatement, withReturning } from "./change-statement.ts";
import { loadParser } from "./parser.ts";
import { rowSearch } from "./row-search.ts";

beforeAll(loadParser);

describe("a statement that changes one table", () => {
  test.each([
    [
      "update app.t as a set x = 1, (y, z) = (select 1, 2) where id = $1",
      { verb: "UPDATE", reference: "a", assigned: ["x", "y", "z"], returns: false },
    ],
    ["delete from t returning id", { verb: "DELETE", reference: "t", assigned: [], returns: true }],
    ["insert into t values (1) on conflict (id) do update set n = 2", { verb: "INSERT", reference: "t", assigned: ["n"] }],
    ["merge into t using u on t.id = u.id when matched then update set n = 1", { verb: "MERGE", assigned: ["n"] }],
    ["with old as (select 1) delete from t", { verb: "DELETE" }],
  ])("%s", (text, expected) => {
    expect(changeStatement(text)).toMatchObject(expected);
  });

  test.each([
    "select 1",
    "select * from t for update",
    "with gone as (delete from a returning *) insert into b select * from gone",
    "with gone as (delete from a returning *) delete from a",
    "update t set x = 1; update u set x = 1",
    "truncate t",
    "explain analyze delete from t",
    "not sql at all",
    `update t set x = '${"x".repeat(70_000)}'`,
  ])("none: %.60s", (text) => {
    expect(changeStatement(text)).toBeUndefined();
    expect(withReturning(text, "1")).toBeUndefined();
    expect(rowSearch(text)).toBeUndefined();
  });
});

describe("more is given back", () => {
  test.each([
    ["update t set x = 1", "update t set x = 1\nreturning a"],
    ["update t set x = 1 ; -- done; really", "update t set x = 1 \nreturning a"],
    ["delete from t -- all of it", "delete from t -- all of it\nreturning a"],
    ["delete from t where note = 'returning x;'", "delete from t where note = 'returning x;'\nreturning a"],
    ["delete from t returning id, n /* ; */", "delete from t returning id, n /* ; */\n, a"],
    ["insert into t select * from u", "insert into t select * from u\nreturning a"],
  ])("%s", (text, expected) => {
    expect(withReturning(text, "a")).toBe(expected);
  });

  test("with names for the rows before and after, where the statement has no list of its own", () => {
    const names = { old: "o", new: "n" };
    expect(withReturning("delete from t", "o.x", names)).toBe("delete from t\nreturning with (old as o, new as n) o.x");
    expect(withReturning("delete from t returning id", "o.x", names)).toBeUndefined();
  });

  test("a list that would change the statement itself is not taken", () => {
    expect(withReturning("delete from t returning id", "1; drop table t")).toBeUndefined();
    expect(withReturning("delete from t", "1; drop table t")).toBeUndefined();
  });
});

describe("the search for the rows", () => {
  test.each([
    ["update t set x = 1", 'select 1 from "t"'],
    ["update app.t a set x = extract(year from now()) where a.id = $2", 'select 1 from "app"."t" as "a" where a.id = $2'],
    [
      "update only t set x = 1 from u join v using (id) where t.id = u.id",
      'select 1 from only "t", u join v using (id) where t.id = u.id',
    ],
    ["update t set x = (select 1 from u where true) where y = 2 returning *", 'select 1 from "t" where y = 2 '],
    ["delete from t using u where t.id = u.id; -- where", 'select 1 from "t", u where t.id = u.id; -- where'],
    [
      "with k as (select 1 as id) delete from t where id in (select id from k)",
      'with k as (select 1 as id) select 1 from "t" where id in (select id from k)',
    ],
    ["delete from t where é = 'where' and n = 'ü'", `select 1 from "t" where é = 'where' and n = 'ü'`],
    ["insert into t (a, b) select x, y from u where z on conflict do nothing", "select x, y from u where z "],
    ["insert into t (a) (select x from u) returning *", "(select x from u) "],
    ["with k as (select 1) insert into t select * from k", "with k as (select 1) select * from k"],
  ])("%s", (text, expected) => {
    expect(rowSearch(text)?.statement).toBe(expected);
  });

  test("says which parameters are left", () => {
    expect([...(rowSearch("update t set x = $1, y = $3 where id between $2 and $4")?.parameters ?? [])]).toEqual([2, 4]);
  });

  test.each(["insert into t values (1)", "merge into t using u on t.id = u.id when matched then delete"])("none: %s", (text) => {
    expect(rowSearch(text)).toBeUndefined();
  });
});
