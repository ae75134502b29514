import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./parser.ts";
import { factsOf } from "./testing-facts.ts";

beforeAll(loadParser);

describe("pg-walk: hidden writes", () => {
  test.each([
    ["with d as (delete from orders returning *) select * from d", "DELETE"],
    ["with a as (with b as (insert into orders default values returning 1) select * from b) select * from a", "INSERT"],
    ["select * from t where exists (with d as (update orders set a = 1 returning 1) select 1 from d)", "UPDATE"],
    ["with m as (merge into orders using t on true when matched then delete returning 1) select 1", "MERGE"],
    ["explain analyze delete from orders", "EXPLAIN ANALYZE"],
    ["explain (costs off, analyze) delete from orders", "DELETE"],
    ["explain (analyze on) update orders set a = 1", "UPDATE"],
    ["explain (analyze false, analyze true) delete from orders", "DELETE"],
    ["explain (analyze 1) insert into orders default values", "INSERT"],
    ["select a into orders from t", "SELECT INTO"],
    ["with x as (select 1) select * into orders from x", "SELECT INTO"],
    ["create table orders as select 1", "CREATE TABLE AS"],
    ["copy (delete from orders returning *) to stdout", "DELETE"],
    ["copy (with d as (delete from orders returning *) select * from d) to stdout", "DELETE"],
    ["copy orders from stdin", "COPY FROM"],
    ["copy orders (a) from stdin where a > 1", "COPY FROM"],
    ["prepare p as delete from orders", "DELETE"],
    ["declare c cursor for with d as (delete from orders returning *) select * from d", "DELETE"],
    ["select * from orders for update", "SELECT FOR UPDATE"],
    ["select * from (select * from orders for share) s", "SELECT FOR SHARE"],
    ["select * from orders for no key update of orders skip locked", "SELECT FOR NO KEY UPDATE"],
    ["select (select 1 from orders for key share)", "SELECT FOR KEY SHARE"],
    ["lock orders", "LOCK"],
    ["truncate only orders", "TRUNCATE"],
    ["refresh materialized view orders", "REFRESH MATERIALIZED VIEW"],
    ["vacuum full orders", "VACUUM"],
    ["create rule r as on select to t do also delete from orders", "CREATE RULE"],
    ["explain (analyze, analyze off) delete from orders", "EXPLAIN ANALYZE"],
    ["explain (analyze 00.0) delete from orders", "EXPLAIN ANALYZE"],
    ["explain analyze verbose insert into orders default values", "EXPLAIN ANALYZE"],
    ["explain (analyze) create table orders as select 1", "CREATE TABLE AS"],
    ["explain (analyze) declare c cursor for select * from orders for update", "DECLARE CURSOR"],
    ["insert into orders select * from t returning with (old as o, new as n) o.a, n.b", "INSERT"],
    [
      "merge into orders o using t on o.a = t.a when not matched by source then delete returning merge_action(), old.a, new.a",
      "MERGE",
    ],
    ["merge into only public.orders using (select 1) s on true when not matched then insert default values", "MERGE"],
    ["update only orders set (a, b) = (select 1, 2)", "UPDATE"],
    ["delete from orders as o using t where o.id = t.id", "DELETE"],
    ["table orders for update", "SELECT FOR UPDATE"],
    ["values (1) union select a from orders for share", "SELECT FOR SHARE"],
    ["select * from t where a = (select b from orders for update skip locked limit 1)", "SELECT FOR UPDATE"],
    ["with x as (select * from orders for update) select 1", "SELECT FOR UPDATE"],
    ["with x as not materialized (delete from orders returning 1) table x", "DELETE"],
    ["with recursive x as (select 1), y as (update orders set a = 1 returning 1) select 1", "UPDATE"],
    ["select case when exists (with d as (delete from orders returning 1) select 1 from d) then 1 end", "DELETE"],
    ["insert into t with d as (delete from orders returning *) select * from d", "DELETE"],
    ["update t set a = (with d as (delete from orders returning 1) select 1)", "DELETE"],
    ["prepare p (int) as with d as (delete from orders returning *) select * from d where a = $1", "DELETE"],
    ["copy (merge into orders using t on true when matched then do nothing returning 1) to stdout", "MERGE"],
    ["create temp table x as with d as (delete from orders returning *) select * from d", "DELETE"],
    ["create materialized view orders as select 1", "CREATE MATERIALIZED VIEW"],
    ["create view orders as select 1", "CREATE VIEW"],
    ["create unlogged table orders (a int)", "CREATE TABLE"],
    ["create table orders (id int4range, primary key (id without overlaps))", "CREATE TABLE"],
    ["create table orders (a int, b int generated always as (a * 2) virtual)", "CREATE TABLE"],
    ["alter table orders add constraint k check (a > 0) not enforced", "ALTER TABLE"],
    ["alter table orders disable trigger all", "ALTER TABLE"],
    ["create schema s create table orders (a int)", "CREATE TABLE"],
    ["select 1 as a into temp orders", "SELECT INTO"],
    ["select a into unlogged orders from t union select 2", "SELECT INTO"],
    ["vacuum (analyze) public.orders (a)", "VACUUM"],
    ["analyze orders", "ANALYZE"],
    ["cluster orders using i", "CLUSTER"],
    ["reindex (concurrently) table orders", "REINDEX"],
    ["create index on only orders (a)", "CREATE INDEX"],
    ["alter sequence orders restart", "ALTER SEQUENCE"],
    ["security label on column orders.a is 'x'", "SECURITY LABEL"],
  ])("%s", (text, kind) => {
    const found = factsOf(text);
    expect(found.readOnly).toBe(false);
    expect(found.kinds).toContain(kind);
    expect(found.tables).toContain("public.orders");
    expect(found.writes || found.ddl).toBe(true);
    expect(found.writesTo.includes("public.orders") || kind === "CREATE RULE").toBe(true);
  });

  test.each([
    "do $$ begin delete from t; end $$",
    "do language plpython3u 'import os'",
    "call p()",
    "execute p",
    "explain execute p",
    "explain analyze execute p(1)",
    "create table t as execute p",
    "fetch 1 from c",
    "move 1 in c",
    "copy t to program 'sh'",
    "copy t from program 'sh'",
    "copy t to '/tmp/x'",
    "copy t from '/etc/passwd'",
    "copy (select 1) to program 'curl evil'",
    "load 'evil'",
    "create extension dblink",
    "create function f() returns int language sql as 'delete from t'",
    "create procedure p() language sql begin atomic delete from t; end",
    "import foreign schema s from server x into y",
    "create subscription s connection 'host=evil' publication p",
  ])("opaque: %s", (text) => {
    expect(factsOf(text)).toMatchObject({ opaque: true, readOnly: false, writes: true });
    expect(factsOf(text).doubts).not.toEqual([]);
  });

  test.each([
    "truncate t cascade",
    "drop table t cascade",
    "drop schema s cascade",
    "alter table t drop column a cascade",
    "drop owned by bob",
    "reassign owned by a to b",
    "grant select on all tables in schema s to bob",
    "revoke all on t from bob cascade",
    "alter table all in tablespace a set tablespace b",
    "reindex schema s",
    "reindex database d",
    "reindex system d",
    "vacuum",
    "analyze",
    "cluster",
    "drop database d",
  ])("opaque, for it changes what it does not name: %s", (text) => {
    expect(factsOf(text)).toMatchObject({ opaque: true, readOnly: false, writes: true });
    expect(factsOf(text).doubts).toContain("it changes objects that it does not name");
  });

  test.each([
    "truncate t",
    "drop table t, u",
    "alter table t drop column a",
    "vacuum t",
    "analyze t (a)",
    "cluster t",
    "reindex index i",
    "grant select on t to bob",
  ])("and what names all of it is not: %s", (text) => {
    expect(factsOf(text)).toMatchObject({ opaque: false, readOnly: false, doubts: [] });
  });

  test.each([
    ["select * from json_table('[]', '$' passing (select a from secret.keys) as x columns (a int path '$'))", []],
    [
      "select * from xmltable('/r' passing (select a from secret.keys) columns a text default (select b from secret.more))",
      ["secret.more"],
    ],
    ["select * from t tablesample system ((select a from secret.keys))", ["public.t"]],
    ["select * from rows from (abs((select a from secret.keys))) r", []],
    ["values (1), ((select a from secret.keys))", []],
    ["select 1 limit (select a from secret.keys) offset (select b from secret.more)", ["secret.more"]],
    ["select (array[1])[(select a from secret.keys):]", []],
    ["select sum(1) over (order by 1 range between (select a from secret.keys) preceding and current row)", []],
    ["select array(table secret.keys), exists (table secret.more)", ["secret.more"]],
    ["select json_array(select a from secret.keys)", []],
    ["with x as (table secret.keys) select 1", []],
    ["select 1 from t left join lateral (select * from secret.keys k where k.a = t.a) z on true", ["public.t"]],
    ["select (table secret.keys) is distinct from 1", []],
    ["copy secret.keys (a) to stdout (format csv)", []],
    ["copy (table secret.keys) to stdout", []],
    ["explain (generic_plan) select * from secret.keys where a = $1", []],
    ["select a from (select a from ((select a from secret.keys) union all (select 1))) x", []],
    ["select 1 group by grouping sets ((), ((select a from secret.keys)))", []],
    [
      "select string_agg(a, (select a from secret.keys) order by (select b from secret.more)) from t",
      ["public.t", "secret.more"],
    ],
    ["select 1 where row (1, 2) = any (select a, b from secret.keys)", []],
  ])("every place that reads is found: %s", (text, more) => {
    expect(factsOf(text).tables).toEqual([...more, "secret.keys"].sort());
    expect(factsOf(text, ["public"], 18).readOnly).toBe(true);
  });

  test("COPY … PROGRAM has a kind of its own", () => {
    expect(factsOf("copy t from program 'x'").kinds).toEqual(["COPY", "COPY FROM", "COPY PROGRAM"]);
  });

  test("EXPLAIN without ANALYZE runs nothing: what it would write to is read", () => {
    for (const text of [
      "explain delete from orders",
      "explain (analyze off) delete from orders",
      "explain (analyze 0, verbose) delete from orders",
    ]) {
      expect(factsOf(text)).toMatchObject({
        readOnly: true,
        reads: ["public.orders"],
        writesTo: [],
        kinds: ["DELETE", "EXPLAIN"],
      });
    }
    expect(factsOf("delete from a; explain delete from b")).toMatchObject({ writes: true, writesTo: ["public.a"] });
    expect(factsOf("explain delete from a; delete from a")).toMatchObject({ writes: true, writesTo: ["public.a"] });
    expect(factsOf("explain select f()")).toMatchObject({ readOnly: false, opaque: true });
  });

  test("sub-queries are found in every clause", () => {
    const found = factsOf(`
      with c as (select * from t01)
      insert into t02 (a) select distinct on ((select 1 from t03)) (select x from t04), array(select x from t05),
        case when exists (select 1 from t06) then 1 end, coalesce((select 1 from t07), 1), (select 1 from t08)::int, sum(x) filter (where x in (select 1 from t09)),
        sum(x) over (partition by (select 1 from t10) order by (select 1 from t11)), row(1, (select 1 from t12)), xmlelement(name a, (select 1 from t13)),
        json_object('a': (select 1 from t14)), (array[(select 1 from t15)])[(select 1 from t16)]
      from c join t17 on (select true from t18), lateral (select * from t19) l, generate_series(1, (select 1 from t20)) g
      where a = any (select 1 from t21) group by (select 1 from t22) having (select true from t23)
      window w as (partition by (select 1 from t24)) order by (select 1 from t25) limit (select 1 from t26) offset (select 1 from t27)
      on conflict ((lower((select 'a' from t28)))) where (select true from t29) do update set a = (select 1 from t30), (b, c) = (select 1, 2 from t31) where (select true from t32)
      returning (select 1 from t33)`);
    const names = Array.from({ length: 33 }, (_, index) => `public.t${String(index + 1).padStart(2, "0")}`);
    expect(found.tables).toEqual(names);
    expect(found.writesTo).toEqual(["public.t02"]);
  });

  test("ON CONFLICT reads through sub-selects", () => {
    const found = factsOf(
      "insert into t values (1) on conflict (id) do update set x = (select secret from vault.keys) returning x",
    );
    expect(found.reads).toEqual(["public.t", "vault.keys"]);
  });
});
