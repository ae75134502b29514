import { beforeAll, describe, expect, test } from "vitest";
import { classifyText } from "./classify.ts";
import { loadParser } from "./parser.ts";

beforeAll(loadParser);

const fingerprint = (text: string) => classifyText(text, ["public"]).facts.fingerprint;

describe("the same", () => {
  test.each([
    ["select * from t where id = 1", "SELECT *\nFROM t -- x\nWHERE id=23"],
    ["select * from t where id = 1", "select * from t where id = 'x'"],
    ["select * from t where id = -1.5e3", "select/**/ * from \"t\" where ((id = (b'1')))"],
    ["select * from t where id in (1, 2)", "select * from t where id in (3)"],
    ["select * from t where id in ($1, $2)", "select * from t where id in ($1, $2, $3)"],
    ["select * from t where id = any (array[1, 2])", "select * from t where id = any (array[7, 8, 9])"],
    ["insert into t values (1, 'a')", "insert into t values (2, 'b'), (3, 'c')"],
    ["insert into t values ($1::int, 'a', default)", "insert into t values ($1::int, 'b', default), ($2::int, 'c', default)"],
    ["update t set a = 'x' where id = 5", "update t set a = '' where id = 6"],
    ["select a from t limit 5 offset 1", "select a from t limit 6 offset 9"],
    ["select 1; select 'a' from t;", "select 2;;select 'b' from t"],
    ["set work_mem = '1MB'", "set work_mem = '2MB'"],
  ])("%s | %s", (a = "", b = "") => {
    expect(fingerprint(a)).toBe(fingerprint(b));
    expect(fingerprint(a)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("pg-bind: one statement does not pass for another", () => {
  const nested = (call: string) => `select ${"coalesce(".repeat(200)}${call}${", 1)".repeat(200)}`;
  test.each([
    ["select 1::int", "select 1::evil"],
    ["select a, b from t", "select b, a from t"],
    ["insert into t (a, b) values (1, 2)", "insert into t (b, a) values (1, 2)"],
    ["insert into t (a, b) select x, y from u", "insert into t (a, b) select y, x from u"],
    ["update t set a = $1 where id = $2", "update t set a = $2 where id = $1"],
    ["update t set a = $1 where id in ($1)", "update t set a = $1 where id in ($2)"],
    ["update t set a = $1 where id = $2", "update t set a = $1 where id = 2"],
    ["update t set a = 1, b = 2", "update t set b = 1, a = 2"],
    ["select f(a, b)", "select f(b, a)"],
    ["select f(1)", "select f(1, 2)"],
    ["delete from t where id = 1 or false", "delete from t where id = 1 or true"],
    ["delete from t where id = 1", "delete from t where id = null"],
    ["select * from t where id in (1, 2)", "select * from t where id in (1, f(2))"],
    ["select * from t where id in (1)", "select * from t where id not in (1)"],
    ["insert into t values (1)", "insert into t values (1), (f())"],
    ["insert into t values (1)", "insert into t values (1, 2)"],
    ["select 1 from t x", "select 1 from t y"],
    ["select 'a.b'", "select a.b"],
    ['select "a.b"', "select a.b"],
    ["do $$ begin a; end $$", "do $$ begin b; end $$"],
    ["create function f() returns int language sql as 'a'", "create function f() returns int language sql as 'b'"],
    [
      "create function f() returns int language sql begin atomic select 1; end",
      "create function f() returns int language sql begin atomic select a; end",
    ],
    ["execute a", "execute b"],
    ["prepare a as select 1", "prepare b as select 1"],
    ["fetch 1 in a", "fetch 1 in b"],
    ["copy t to '/tmp/a'", "copy t to '/tmp/b'"],
    ["notify a, 'x'", "notify b, 'x'"],
    ["explain select 1", "explain analyze select 1"],
    ["select a::varchar", "select a::varchar[]"],
    ["select a from t", "select a from only t"],
    ["select 1; select 2", "select 1"],
    ["select a; select b", "select b; select a"],
    ["begin", "begin read only"],
    [nested("lower('x')"), nested("pg_read_file('x')")],
  ])("%s | %s", (a = "", b = "") => {
    expect(fingerprint(a)).not.toBe(fingerprint(b));
  });
});

test("each statement of several has its own text and fingerprint, the same as alone", () => {
  const { facts, parts } = classifyText("select a from t where id = 5; /* é */ delete from t where id in (1, 2);", ["public"]);
  expect(parts?.map(({ text }) => text)).toEqual(["select a from t where id = 5", "delete from t where id in (1, 2)"]);
  expect(parts?.map((part) => part.fingerprint)).toEqual([
    fingerprint("select a from t where id = 0"),
    fingerprint("delete from t where id in (7)"),
  ]);
  expect(facts.fingerprint).not.toBe(parts?.[0]?.fingerprint);
});
