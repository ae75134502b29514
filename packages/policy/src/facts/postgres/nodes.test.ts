import { beforeAll, expect, test } from "vitest";
import { classifyText, handlers } from "./classify.ts";
import { nodeFields } from "./nodes.generated.ts";
import { loadParser } from "./parser.ts";

beforeAll(loadParser);

/** Nodes that PostgreSQL makes after parsing, and those that are handled where they stand. */
const neverMet = `
  ParseResult RawStmt ScanResult ScanToken SummaryResult Table Function FilterColumn OidList IntList TableFunc Var Param Aggref WindowFunc
  WindowFuncRunCondition SubscriptingRef FuncExpr OpExpr DistinctExpr NullIfExpr ScalarArrayOpExpr SubPlan AlternativeSubPlan FieldSelect
  FieldStore RelabelType CoerceViaIO ArrayCoerceExpr ConvertRowtypeExpr CollateExpr CaseTestExpr ArrayExpr RowCompareExpr
  JsonConstructorExpr JsonExpr JsonTablePath JsonTablePathScan JsonTableSiblingJoin MergeAction CoerceToDomain CoerceToDomainValue
  NextValueExpr InferenceElem ReturningExpr TargetEntry RangeTblRef FromExpr OnConflictExpr Query RangeTblEntry RTEPermissionInfo
  RangeTblFunction TableSampleClause WithCheckOption SortGroupClause WindowClause RowMarkClause SetOperationStmt PLAssignStmt
  InlineCodeBlock CallContext LockingClause WithClause`
  .trim()
  .split(/\s+/);

test("pg-walk: every node of the grammar has a handler or is listed here", () => {
  expect(
    Object.keys(nodeFields)
      .filter((kind) => !handlers.has(kind))
      .sort(),
  ).toEqual([...neverMet].sort());
});

test("pg-walk: every handler is for a node that the grammar has", () => {
  expect([...handlers.keys()].filter((kind) => !Object.hasOwn(nodeFields, kind))).toEqual([]);
});

/** One of each, so that a field which the generated list does not know would show. */
const tour = `
select distinct on (a) a as x, t.*, b[1], c[1:2], (d).e, -a, a || b, not a, a is null, a is not true, a is distinct from b from t
select all a from only t as u (x, y) where a in (1, 2) and b between 1 and 2 or c like 'x%' escape '!' group by a having count(*) > 1
select a from t group by grouping sets ((a), rollup (a, b), cube (c), ()) order by a desc nulls last limit 5 offset 3
select a from t group by distinct a order by a fetch first 3 rows with ties
select row_number() over w, sum(x) filter (where x > 0) over (partition by a order by b rows between 1 preceding and unbounded following) from t window w as (order by a)
select percentile_cont(0.5) within group (order by x), count(distinct a), string_agg(a, ',' order by b) from t
select * from a join b using (id) as j left join c on true cross join d natural join e, lateral (select 1) s, f tablesample system (5) repeatable (1)
select * from generate_series(1, 3) with ordinality as g (a, b), rows from (abs(1), json_to_record('{}') as (x int)) r
select * from xmltable(xmlnamespaces('x' as y), '/r' passing '<r/>' columns n for ordinality, a int path '@a' default 1 not null) x
select * from json_table('[]', '$[*]' as p passing 1 as v columns (i for ordinality, a int path '$' default 0 on empty error on error, e int exists, nested path '$.x' columns (q text format json with wrapper keep quotes)) null on error) j
select json_value('1', '$' returning int default 1 on empty), json_query('1', '$' with wrapper omit quotes), json_exists('1', '$' passing 1 as x), json('1' with unique keys), json_scalar(1), json_serialize('1' returning bytea)
select json_object('a' : 1, 'b' value 2 absent on null with unique keys), json_array(1, 2 null on null), json_array(select 1), json_objectagg('a' : 1), json_arrayagg(1 order by 1), '1' is json object with unique keys
select xmlelement(name a, xmlattributes(1 as b), 'c'), xmlforest(1 as a), xmlconcat('<a/>', '<b/>'), xmlparse(document '<a/>'), xmlpi(name a), xmlroot('<a/>', version '1.0'), xmlserialize(content '<a/>' as text indent), '<a/>' is document
select case a when 1 then 2 else 3 end, case when a then b end, coalesce(a, b), nullif(a, b), greatest(a, b), least(a, b), row(1, 2), (1, 2) = (3, 4), array[1, 2], array[[1], [2]], array(select 1)
select exists (select 1), a = any (select 1), a > all (array[1]), (select 1), a in (select b from c), current_date, current_time(2), localtimestamp, current_user, session_user, current_catalog, current_schema
select cast(a as numeric(10, 2)), a::int[], interval '1' day, timestamp with time zone 'now', b'1', x'f', 1.5e3, 0x1f, 1_000, U&'d\\0061t', E'\\n', $$x$$, 'a' collate "C", a at time zone 'utc', a at local
select a from t order by a using <
values (1, 2), (3, 4)
table t
(select 1 union all select 2) intersect select 3 except all select 4 order by 1
with recursive r (n) as (select 1 union all select n + 1 from r) search depth first by n set o cycle n set c to true default false using p select * from r
with a as materialized (select 1), b as not materialized (select 2) select * from a, b
with d as (delete from t using u where t.id = u.id returning old.*, new.id) insert into v as w (a, b[1]) overriding user value select * from d on conflict (a collate "C", (lower(b))) where c do update set (x, y) = (select 1, 2), z = excluded.z where true returning with (old as o, new as n) o.a, n.b
insert into t default values on conflict on constraint k do nothing
insert into t values (default, $1)
update only t set a = default, b = b + 1, (c, d) = row(1, 2), (e, f) = (select 1, 2) from u where current of cur
merge into t using (select 1 as id) s on t.id = s.id when matched and s.id > 0 then update set a = 1 when not matched by source then delete when not matched then insert (a) overriding system value values (1) when matched then do nothing returning merge_action(), t.*
select 1 for update of t nowait
select 1 for no key update skip locked
select 1 for share
select 1 for key share
select a into temp x from t
explain (analyze, verbose, format json) select 1
copy t (a, b) from stdin with (format csv, header match, force_not_null (a)) where a > 1
copy (select 1) to stdout
declare c binary scroll cursor with hold for select 1
fetch absolute -1 from c
move all in c
close all
prepare p (int) as select $1
execute p (1)
deallocate all
begin isolation level serializable read only deferrable
savepoint s
release s
rollback to s
commit and chain
rollback
prepare transaction 'x'
commit prepared 'x'
set local work_mem to '1MB'
set session characteristics as transaction read only
reset work_mem
show all
listen c
notify c, 'x'
unlisten *
lock table only t in share mode nowait
truncate only t, u restart identity cascade
vacuum (full, analyze) t (a, b)
analyze
cluster t using i
reindex (verbose) index concurrently i
checkpoint
discard temp
load 'x'
do language plpgsql $$ begin end $$
call p(1)
set constraints all deferred
refresh materialized view concurrently m with no data
create temp table t (a int primary key generated always as identity (start 5), b text collate "C" default 'x' not null check (b > 'a') references u (x) on delete cascade deferrable, c int generated always as (a + 1) stored, like v including all, constraint k unique nulls not distinct (a) include (b) with (fillfactor = 10), exclude using gist (a with =) where (a > 1), foreign key (a, period b) references u) inherits (p) with (x = 1) on commit drop tablespace s
create table t partition of p for values from (minvalue) to (10) partition by range (a collate "C" int4_ops, (a + 1))
create table t partition of p for values with (modulus 2, remainder 0)
create table t partition of p default
create table t of ty (a with options not null)
create table if not exists t as select 1 with no data
create materialized view m as select 1
create recursive view v (n) as select 1
create or replace temp view v with (security_barrier) as select * from t with local check option
create unique index concurrently i on only t using btree (a desc nulls first, (lower(b)) text_pattern_ops (x = 1)) include (c) nulls not distinct with (fillfactor = 10) where a > 1
create statistics s (ndistinct) on a, (b + 1) from t
create sequence s as int increment 2 owned by t.a
create schema s authorization bob create table t (a int)
create extension e with schema s version '1' cascade
create foreign data wrapper f handler h options (a 'b')
create server s type 'x' version '1' foreign data wrapper f options (a 'b')
create foreign table f (a int options (x 'y')) server s options (a 'b')
create user mapping for current_user server s options (password 'x')
import foreign schema r limit to (a, b) from server s into l options (a 'b')
create policy p on t as restrictive for select to public using (a = 1) with check (b)
create trigger g after insert or update of a on t referencing new table as n for each row when (old.a is distinct from new.a) execute function f('x')
create constraint trigger g after insert on t from u deferrable for each row execute function f()
create event trigger e on ddl_command_start when tag in ('x') execute function f()
create rule r as on insert to t where true do instead (insert into u values (1); notify x)
create function f(in a int default 1, variadic b text[], out c int) returns setof record language sql immutable security definer set search_path = x cost 5 as $$ select $1 $$
create function f(a int) returns int language sql begin atomic select $1; return $1; end
create procedure p() language sql as ''
create aggregate a (int order by int) (sfunc = f, stype = int)
create operator public.+ (leftarg = int, rightarg = int, function = f)
create operator class c default for type int using btree family f as operator 1 < (int, int) for order by g, function 1 (int) f(int), storage int
create operator family f using btree
create type y as (a int, b text collate "C")
create type y as enum ('a', 'b')
create type y as range (subtype = int)
create type y (input = f, output = g)
create domain d as int collate "C" default 1 constraint k check (value > 0)
create collation c from "C"
create text search configuration c (parser = p)
create cast (int as y) with function f(int) as implicit
create transform for int language l (from sql with function f(internal), to sql with function g(internal))
create conversion c for 'UTF8' to 'LATIN1' from f
create trusted language l handler h inline i validator v
create access method m type index handler h
create publication p for table t (a) where (a > 1), tables in schema s with (publish = 'insert')
create subscription s connection 'x' publication p with (enabled = false)
create role bob with login password 'x' in role a valid until 'x'
create database d with owner bob
create tablespace s owner bob location '/x' with (a = 1)
alter table only t add column a int, drop column if exists b cascade, alter c type int using c::int, alter c set default 1, alter c drop not null, add constraint k check (a > 1) not valid, validate constraint k, owner to bob, inherit p, replica identity using index i, enable row level security, set (a = 1), alter constraint k deferrable
alter table t attach partition p for values in (1, null)
alter table t detach partition p concurrently
alter table t set schema s
alter table t rename column a to b
alter table t rename to u
alter table all in tablespace s owned by bob set tablespace r
alter index i attach partition j
alter view v set schema s
alter sequence s restart with 5
alter type y add value if not exists 'c' before 'b'
alter type y rename attribute a to b cascade
alter type y set (receive = f)
alter domain d add constraint k check (value > 1) not valid
alter function f(int) immutable set work_mem = '1MB' reset all
alter operator + (int, int) set (restrict = x)
alter operator family f using btree add operator 1 < (int, int)
alter role bob with nologin
alter role bob in database d set work_mem = '1MB'
alter database d set work_mem to default
alter database d with connection limit 5
alter database d refresh collation version
alter system set work_mem = '1MB'
alter default privileges for role a in schema s grant select on tables to bob
alter extension e add table t
alter extension e update to '2'
alter server s options (set a 'b')
alter foreign data wrapper f no handler
alter user mapping for bob server s options (drop x)
alter foreign table f rename column a to b
alter policy p on t to bob using (true)
alter event trigger e disable
alter trigger g on t rename to h
alter trigger g on t depends on extension e
alter publication p set table t where (true)
alter subscription s refresh publication
alter statistics s set statistics 5
alter text search configuration c add mapping for a with b
alter text search dictionary d (a = 1)
alter collation c refresh version
alter tablespace s set (a = 1)
alter function f() owner to bob
alter large object 5 owner to bob
drop table if exists a.t, u cascade
drop function f(int), g
drop owned by bob
drop role bob
drop database d with (force)
drop subscription s
drop tablespace s
drop user mapping for bob server s
drop cast (int as y)
drop operator class c using btree
drop trigger g on a.t
drop schema s
reassign owned by a to b
grant select (a), insert on t to bob with grant option granted by current_user
grant usage on schema s to public
grant execute on all functions in schema s to bob
grant a to b with admin option
revoke grant option for all on t from bob cascade
comment on column a.t.c is 'x'
comment on function f(int) is null
comment on constraint k on t is 'x'
security label for p on table t is 'x'
`
  .trim()
  .split("\n");

test.each(tour)("pg-walk: the walk knows every node and field of: %s", (text) => {
  const { doubts, kinds } = classifyText(text, ["public"]).facts;
  expect(doubts.filter((doubt) => /^\w+(\.\w+)? is not known$/.test(doubt))).toEqual([]);
  expect(kinds.length).toBeGreaterThan(0);
  expect(kinds.filter((kind) => kind.trim() === "" || kind.endsWith(" ") || kind.includes("undefined"))).toEqual([]);
});

test("pg-walk: a node without a handler makes the statement opaque, and the names below it are found", () => {
  const select = handlers.get("CoalesceExpr");
  handlers.delete("CoalesceExpr");
  try {
    const { facts } = classifyText("select coalesce((select a from secret.t), pg_read_file('x'))", ["public"]);
    expect(facts).toMatchObject({ opaque: true, readOnly: false, writes: true, tables: ["secret.t"] });
    expect(facts.functions).toContain("pg_read_file");
    expect(facts.doubts).toContain("CoalesceExpr is not known");
  } finally {
    if (select) handlers.set("CoalesceExpr", select);
  }
});
