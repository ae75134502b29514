import { beforeAll, describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { classifyText } from "./classify.ts";
import { loadParser } from "./parser.ts";

beforeAll(loadParser);

const facts = (text: string, searchPath: readonly string[] = ["public"]) => classifyText(text, searchPath).facts;

function refusal(text: string): string {
  try {
    facts(text);
  } catch (error) {
    return error instanceof CountersignError ? `${error.code}: ${error.message}` : `untyped: ${error}`;
  }
  return "accepted";
}

describe("pg-parse: refused", () => {
  test.each([
    "",
    "   ",
    ";",
    ";;\n;",
    "-- only a comment",
    "/* a /* nested */ one */",
    "\ufeff",
    "selec 1",
    "select 1; selec 2",
    "select 'open",
    "select $$open",
    "/* open",
    "select 1 from",
    "\\d t",
    "copy t from stdin;\n1\n\\.",
  ])("%j", (text) => {
    expect(refusal(text)).toMatch(/^invalid_operation: /);
  });

  test.each<[string, (n: number) => string]>([
    ["sums", (n) => `select ${"1+".repeat(n)}1`],
    ["a condition", (n) => `delete from t where ${"1+".repeat(n)}1`],
    ["negations", (n) => `update t set a = 1 where ${"not ".repeat(n)}true`],
    ["comparisons", (n) => `delete from t where ${"(".repeat(n)}1${"=1)".repeat(n)}`],
    ["calls", (n) => `update t set a = 1 where ${"f(".repeat(n)}1${")".repeat(n)}`],
    ["a join condition", (n) => `merge into t using u on ${"not ".repeat(n)}a when matched then delete`],
    ["unions", (n) => `select 1${" union select 1 where a".repeat(n)}`],
    ["casts", (n) => `select set_config('a'${"::text".repeat(n)}, 'b', false)`],
    ["arrays", (n) => `select ${"array[".repeat(n)}1${"]".repeat(n)}`],
    ["fields", (n) => `select ${"(".repeat(n)}a${").b".repeat(n)}`],
  ])("nesting that the parser takes but PostgreSQL may not: %s", async (_, nested) => {
    for (const n of [1200, 2000, 3000, 5000, 8000]) {
      expect(refusal(nested(n))).toMatch(/^invalid_operation: .*(levels deep|too deeply|memory exhausted)/);
      await loadParser();
    }
  });

  test("more names than conditions can look at", () => {
    const many = Array.from({ length: 501 }, (_, index) => `t${index}`).join(", ");
    expect(refusal(`select 1 from ${many}`)).toMatch(/^invalid_operation: .*more than 500/);
    const types = Array.from({ length: 501 }, (_, index) => `null::y${index}`).join(", ");
    expect(refusal(`select ${types}`)).toMatch(/^invalid_operation: .*more than 500/);
    expect(refusal("select 1;".repeat(251))).toMatch(/^invalid_operation: .*more than 250 statements/);
    expect(refusal("select 1;".repeat(250))).toBe("accepted");
    expect(refusal("select 1 from a, b, c, d, e;".repeat(200))).toBe("accepted");
    expect(refusal("select 1 from a, b, c, d, e;".repeat(201))).toMatch(/^invalid_operation: .*1000 in all its statements/);
  });
});

describe("pg-gucs: a pinned setting cannot be changed", () => {
  test.each([
    "set standard_conforming_strings = off",
    "set local standard_conforming_strings to off",
    "SET SESSION Standard_Conforming_Strings = off",
    'set "SEARCH_PATH" = evil',
    "set search_path = evil, public",
    "set search_path to default",
    "set search_path from current",
    "set schema 'evil'",
    "set names 'SJIS'",
    "set client_encoding = 'BIG5'",
    "set backslash_quote = on",
    "set role postgres",
    "set local role none",
    "set session authorization postgres",
    "set session authorization default",
    "reset search_path",
    "reset role",
    "reset session authorization",
    "reset all",
    "discard all",
    "alter role current_user set search_path = evil",
    "alter role all in database d set client_encoding = 'SJIS'",
    "alter user bob set standard_conforming_strings = off",
    "alter role bob reset all",
    "alter database d set search_path = evil",
    "alter database d reset search_path",
    "alter system set search_path = evil",
    "alter system reset all",
    "select set_config('search_path', 'evil', false)",
    "select set_config('Search_Path', 'evil', false)",
    "select pg_catalog.set_config('search_path'::text, 'evil', true)",
    "select set_config(setting_name => 'role', new_value => 'postgres', is_local => false)",
    "select set_config(is_local => false, new_value => 'postgres', setting_name => 'role')",
    "select set_config('search' || '_path', 'evil', false)",
    "select set_config($1, 'evil', false)",
    "select set_config(name, setting, false) from pg_settings",
    "select set_config(variadic array['search_path', 'evil'])",
    "select 1 where set_config(E'\\x73earch_path', 'evil', false) is null",
    "with x as (select set_config(U&'search\\005fpath', 'evil', false)) select 1",
    "values (set_config('search_path', 'evil', false))",
    "insert into t select set_config('search_path', 'evil', false)",
    "prepare p as select set_config('search_path', 'evil', false)",
    "create view v as select set_config('search_path', 'evil', false)",
    "update pg_settings set setting = 'evil' where name = 'search_path'",
    "update pg_catalog.pg_settings set setting = 'evil'",
    "with x as (update pg_settings set setting = 'evil' returning 1) select * from x",
    "merge into pg_settings using t on true when matched then update set setting = 'x'",
    "select 1; set search_path = evil",
    "explain analyze select set_config('search_path', 'evil', false)",
  ])("%s", (text) => {
    expect(refusal(text)).toMatch(/^invalid_operation: .*(pins|pinned)/);
  });

  test("the text is read with standard strings and the safe backslash, as the connection is pinned", () => {
    expect(facts("select 'a\\'; drop table t; --'")).toMatchObject({ statements: 2, ddl: true });
    expect(facts("select E'a\\'; drop table t; --'")).toMatchObject({ statements: 1, readOnly: true });
  });

  test("another setting is a change of the session, understood but not read-only", () => {
    for (const text of ["set work_mem = '1MB'", "set time zone 'UTC'", "reset work_mem", "set transaction read write"]) {
      expect(facts(text)).toMatchObject({ readOnly: false, writes: false, ddl: false, opaque: false });
    }
    expect(facts("select set_config('work_mem', '1MB', true)")).toMatchObject({ readOnly: false, opaque: true });
    expect(facts("show search_path").readOnly).toBe(true);
  });

  test("a function may have settings of its own", () => {
    expect(facts("create function f() returns int language sql set search_path = x as 'select 1'")).toMatchObject({
      ddl: true,
      opaque: true,
    });
    expect(facts("alter function f() set search_path = x")).toMatchObject({ ddl: true, opaque: true });
  });
});

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
  ])("%s", (text, kind) => {
    const found = facts(text);
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
    expect(facts(text)).toMatchObject({ opaque: true, readOnly: false, writes: true });
    expect(facts(text).doubts).not.toEqual([]);
  });

  test("COPY … PROGRAM has a kind of its own", () => {
    expect(facts("copy t from program 'x'").kinds).toEqual(["COPY", "COPY FROM", "COPY PROGRAM"]);
  });

  test("EXPLAIN without ANALYZE runs nothing: what it would write to is read", () => {
    for (const text of [
      "explain delete from orders",
      "explain (analyze off) delete from orders",
      "explain (analyze 0, verbose) delete from orders",
    ]) {
      expect(facts(text)).toMatchObject({ readOnly: true, reads: ["public.orders"], writesTo: [], kinds: ["DELETE", "EXPLAIN"] });
    }
    expect(facts("delete from a; explain delete from b")).toMatchObject({ writes: true, writesTo: ["public.a"] });
    expect(facts("explain delete from a; delete from a")).toMatchObject({ writes: true, writesTo: ["public.a"] });
    expect(facts("explain select f()")).toMatchObject({ readOnly: false, opaque: true });
  });

  test("sub-queries are found in every clause", () => {
    const found = facts(`
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
    const found = facts(
      "insert into t values (1) on conflict (id) do update set x = (select secret from vault.keys) returning x",
    );
    expect(found.reads).toEqual(["public.t", "vault.keys"]);
  });
});

describe("names", () => {
  test("an unqualified name is listed once for each schema that it may be in", () => {
    expect(facts("select * from orders", ["app", "public"]).tables).toEqual(["app.orders", "public.orders"]);
    expect(facts("delete from orders", ["app", "public"]).writesTo).toEqual(["app.orders", "public.orders"]);
    expect(facts("select * from orders", []).tables).toEqual(["orders"]);
  });

  test("pg_catalog comes first unless the path names it later", () => {
    expect(facts("select * from pg_class").tables).toEqual(["pg_catalog.pg_class"]);
    expect(facts("select * from pg_class", ["public", "pg_catalog"]).tables).toEqual(["pg_catalog.pg_class", "public.pg_class"]);
    expect(facts("select * from pg_something_new").tables).toEqual(["pg_catalog.pg_something_new", "public.pg_something_new"]);
    expect(facts("select lower(a) from t", ["public", "pg_catalog"])).toMatchObject({ opaque: true });
    expect(facts("select 1 + 1", ["public", "pg_catalog"])).toMatchObject({ opaque: true });
  });

  test("quoting, case and Unicode escapes make no difference where PostgreSQL sees none", () => {
    for (const text of [
      "select * from SECRET.Keys",
      'select * from "secret"."keys"',
      'select * from U&"s\\0065cret".keys',
      "select * from /**/ secret /* x */ . keys",
      "table secret.keys",
      "select * from only secret.keys",
      "select * from mydb.secret.keys",
    ]) {
      expect(facts(text).tables).toEqual(["secret.keys"]);
    }
    expect(facts('select * from "Keys"').tables).toEqual(["public.Keys"]);
  });

  test("a dot or a quote in a name cannot imitate another schema", () => {
    expect(facts('select * from "public.orders"').tables).toEqual(['public."public.orders"']);
    expect(facts('select * from "a""b".c').tables).toEqual(['"a""b".c']);
    expect(facts('select "pg_catalog.lower"(1)').functions).toEqual(['public."pg_catalog.lower"']);
  });

  describe("names from WITH are not tables, but only where they are defined", () => {
    test.each([
      ["with keys as (select 1) select * from keys", []],
      ["with keys as (select * from keys) select * from keys", ["public.keys"]],
      ["with recursive keys as (select 1 union all select * from keys) select * from keys", []],
      ["with a as (select * from keys), keys as (select 1) select * from a, keys", ["public.keys"]],
      ["with recursive a as (select * from keys), keys as (select 1) select * from a", []],
      ["with keys as (select 1) select * from public.keys", ["public.keys"]],
      ["select * from (with keys as (select 1) select * from keys) s, keys", ["public.keys"]],
      ["with keys as (select 1) select (select a from keys), array(select a from keys)", []],
      ["(with keys as (select 1) select * from keys) union select * from keys", ["public.keys"]],
      ["with keys as (select 1) delete from keys", ["public.keys"]],
      ["with keys as (select 1) insert into t select * from keys", ["public.t"]],
      ["with keys as (select 1) update t set a = 1 from keys", ["public.t"]],
      ["insert into t with keys as (select 1) select * from keys", ["public.t"]],
      ["with a as (with keys as (select 1) select * from keys) select * from keys", ["public.keys"]],
      ["with keys as (select 1) select 1; select * from keys", ["public.keys"]],
      ["with keys as (select 1) select * from t for update of keys", ["public.t"]],
    ])("%s", (text, tables) => {
      expect(facts(text).tables).toEqual(tables);
    });
  });

  test("definitions name what they change", () => {
    for (const text of [
      "drop table secret.keys",
      "alter table secret.keys add x int",
      "create index on secret.keys (a)",
      "create trigger g after insert on secret.keys execute function f()",
      "drop trigger g on secret.keys",
      "comment on column secret.keys.a is 'x'",
      "grant select on secret.keys to bob",
      "create policy p on secret.keys",
      "alter table secret.keys rename to x",
      "drop view secret.keys",
      "security label on table secret.keys is 'x'",
    ]) {
      expect(facts(text)).toMatchObject({ ddl: true, readOnly: false, writesTo: ["secret.keys"] });
    }
    expect(facts("create view v as select * from secret.keys")).toMatchObject({ writesTo: ["public.v"], reads: ["secret.keys"] });
  });

  test("an UPDATE or DELETE, and whatever returns rows, also reads", () => {
    expect(facts("delete from t").reads).toEqual(["public.t"]);
    expect(facts("insert into t values (1)").reads).toEqual([]);
    expect(facts("insert into t values (1) returning *").reads).toEqual(["public.t"]);
  });
});

describe("pg-multi: every statement counts", () => {
  test.each([
    "select 1; delete from t",
    "delete from t; select 1",
    "select 1;;;\n-- x\n;delete from t;",
    "select ';'; delete from t -- ;",
    "select $$;$$; delete from t",
  ])("%j", (text) => {
    expect(facts(text)).toMatchObject({ statements: 2, readOnly: false, writes: true, writesTo: ["public.t"] });
  });

  test("each is also told alone", () => {
    const { parts } = classifyText("select * from a; delete from b where id = $1", ["public"]);
    expect(parts).toMatchObject([
      { readOnly: true, tables: ["public.a"], statements: 2 },
      { writes: true, tables: ["public.b"], hasWhere: true, statements: 2 },
    ]);
    expect(classifyText("select 1;", ["public"]).parts).toBeUndefined();
  });

  test("opaque and definitions too", () => {
    expect(facts("select 1; select f(); drop table t")).toMatchObject({ statements: 3, opaque: true, ddl: true, writes: true });
  });
});

describe("pg-functions", () => {
  test.each([
    "pg_terminate_backend(1)",
    "pg_cancel_backend(1)",
    "pg_reload_conf()",
    "pg_rotate_logfile()",
    "pg_promote()",
    "pg_switch_wal()",
    "pg_read_file('/etc/passwd')",
    "pg_read_binary_file('x')",
    "pg_ls_dir('/')",
    "pg_stat_file('x')",
    "pg_ls_logdir()",
    "lo_import('/etc/passwd')",
    "lo_export(1, '/tmp/x')",
    "lo_get(1)",
    "lo_put(1, 0, 'x')",
    "lo_unlink(1)",
    "lo_create(0)",
    "loread(1, 2)",
    "nextval('s')",
    "setval('s', 1)",
    "pg_advisory_lock(1)",
    "pg_try_advisory_xact_lock(1)",
    "pg_notify('a', 'b')",
    "pg_sleep(1)",
    "pg_sleep_for('1 day')",
    "setseed(0.5)",
    "query_to_xml('delete from t', true, true, '')",
    "query_to_xml_and_xmlschema('x', true, true, '')",
    "cursor_to_xml('c', 1, true, true, '')",
    "table_to_xml('secret.keys', true, true, '')",
    "schema_to_xml('secret', true, true, '')",
    "database_to_xml(true, true, '')",
    "ts_stat('delete from t')",
    "ts_rewrite('a'::tsquery, 'select a, b from t')",
    "pg_logical_emit_message(true, 'a', 'b')",
    "pg_create_restore_point('x')",
    "pg_export_snapshot()",
    "pg_stat_reset()",
    "pg_drop_replication_slot('x')",
    "pg_replication_origin_create('x')",
    "pg_import_system_collations('x')",
    "pg_backup_start('x')",
    "pg_current_xact_id()",
    "txid_current()",
    "binary_upgrade_set_next_pg_type_oid(1)",
    "brin_summarize_new_values('i')",
    "pg_log_backend_memory_contexts(1)",
    "dblink('host=x', 'delete from t')",
    "dblink_exec('x', 'y')",
    "public.lower('x')",
    "app.f()",
    "f()",
    '"LOWER"(a)',
    "uuidv7()",
    "pg_catalog.f()",
  ])("%s makes it opaque, in every notation and place", (call) => {
    for (const text of [
      `select ${call}`,
      `select * from ${call}`,
      `select 1 where ${call} is not null`,
      `select count(*) filter (where ${call} is null)`,
      `values (${call})`,
      `explain select ${call}`,
    ]) {
      expect(facts(text)).toMatchObject({ readOnly: false, writes: true, opaque: true });
    }
  });

  test.each([
    ["select pg_read_file('x')", "pg_read_file"],
    ["select pg_catalog.pg_read_file('x')", "pg_read_file"],
    ["select PG_Catalog.\"pg_read_file\"('x')", "pg_read_file"],
    ["select U&\"pg_re\\0061d_file\"('x')", "pg_read_file"],
    ["select ('x'::text).pg_read_file", "pg_read_file"],
    ["select f.pg_read_file from unnest(array['x']) f", "pg_read_file"],
    ["select dblink('x', 'y')", "public.dblink"],
  ])("%s names the function for policy", (text, name) => {
    expect(facts(text).functions).toContain(name);
  });

  test.each([
    "select (1).zap",
    "select ($1).zap",
    "select (select 1).zap",
    "select (a).zap from t",
    "select a[1].zap from t",
    "select (f.x).zap from (select 1 as x) f",
    "select (array[1])[1].zap",
    "select ((1).abs).zap",
    "select g.zap from generate_series(1, 1) g",
    "select generate_series.zap from generate_series(1, 1)",
    "select x.zap from cast(1 as int) x",
    "select r.zap from rows from (abs(1)) r",
    "select a.zap from t, lateral abs(t.id) a",
    "select g.g from generate_series(1, 1) g (n)",
    "select e.e from jsonb_array_elements('[]') e",
    "select g.zap from generate_series(1, 1) g, (select 1 from unnest(array[1]) g (zap)) s",
    "delete from t using generate_series(1, 1) g where g.zap = t.id",
    "select 1 from current_date",
    "select * from t order by (id).zap",
    "update t set a = 1 where (id).zap",
  ])("a call in the notation of a column: %s", (text) => {
    expect(facts(text).opaque).toBe(true);
  });

  test.each([
    "select a.b, t.c, (t).*, public.t.d from t, u a",
    "select g.g, e.value, k.word, u.x, o.n, j.a from generate_series(1, 2) g, jsonb_array_elements('[]') e, pg_get_keywords() k, unnest(array[1]) u (x), unnest(array[1]) with ordinality o (v, n), json_to_record('{}') as j (a int)",
    "select (json_each('{}')).key, (jsonb_each_text('{}')).value",
    "select s.x, c.y from (select 1 as x) s, (values (1)) c (y)",
    "select x.lower from unnest(array['A']) x",
  ])("a column is a column: %s", (text) => {
    expect(facts(text)).toMatchObject({ opaque: false, readOnly: true });
  });

  test.each([
    "a @@@@ b",
    "a operator(public.=) b",
    "a operator(public.+) b",
    "a = any (select 1) or a !!! b",
    "a operator(evil.=) any (array[1])",
    "not (a <~~> b)",
    "-(- a) <<>> b",
  ])("an operator that is not PostgreSQL's own makes it opaque: %s", (expression) => {
    expect(facts(`select ${expression} from t`)).toMatchObject({ opaque: true, readOnly: false });
    expect(facts(`select 1 from t order by ${expression}`).opaque).toBe(true);
  });

  test("ORDER BY … USING and IN (sub-select) name operators too", () => {
    expect(facts("select a from t order by a using operator(public.<)").opaque).toBe(true);
    expect(facts("select (a, b) operator(public.=) (select 1, 2) from t").opaque).toBe(true);
    expect(facts("select a from t order by a using <").opaque).toBe(false);
  });

  test.each([
    "a::evil",
    "cast(a as public.evil)",
    "evil 'x'",
    "a::evil[]",
    "a::public.int4",
    "xmlserialize(content a as evil)",
    "json_value(a, '$' returning evil)",
    "null::t",
  ])("a cast to a user's type may run a function: %s", (expression) => {
    expect(facts(`select ${expression} from t`)).toMatchObject({ opaque: true, readOnly: false });
  });

  test("a call for PostgreSQL 15 stays one, although newer versions have syntax of that name", () => {
    for (const [call, name] of [
      ["json_value(a, '$.x')", "json_value"],
      ["json_exists(a, '$.x')", "json_exists"],
      ["json_query(a, '$.x')", "json_query"],
      ["json_array(a, b)", "json_array"],
      ["json_arrayagg(a)", "json_arrayagg"],
      ["json_scalar(a)", "json_scalar"],
      ["json_serialize(a)", "json_serialize"],
      ["json(a)", "json"],
      ["merge_action()", "merge_action"],
    ]) {
      expect(facts(`select ${call} from t`)).toMatchObject({ opaque: true, readOnly: false });
      expect(facts(`select ${call} from t`).functions).toContain(`public.${name}`);
    }
  });

  test("a sampling method that is not PostgreSQL's own makes it opaque", () => {
    expect(facts("select * from t tablesample evil(1)").opaque).toBe(true);
    expect(facts("select * from t tablesample public.system(1)").opaque).toBe(true);
    expect(facts("select * from t tablesample system(1)").opaque).toBe(false);
  });

  test.each([
    "select lower(a), count(*), sum(b) over (), now(), coalesce(a, b), a || b, a ->> 'x', a @> b, a ~* 'x', random(), gen_random_uuid(), pg_catalog.upper(a) from t",
    "select date_trunc('day', a at time zone 'UTC'), extract(epoch from a), a::date, a::timestamptz, '1 day'::interval, to_char(a, 'YYYY'), age(a) from t",
    "select jsonb_agg(a), json_build_object('a', a), array_agg(b order by c), string_agg(a, ','), unnest(array[1]), regexp_replace(a, 'b', 'c') from t",
    "select pg_size_pretty(pg_total_relation_size('t')), pg_get_viewdef('v'::regclass), current_setting('x', true), has_table_privilege('t', 'select'), version()",
    "select * from information_schema.columns where table_name = 'x'",
    "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' order by 1 limit 10",
    "with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select * from r",
    "select row_number() over (partition by a order by b), lag(a) over w, percentile_cont(0.5) within group (order by a) from t window w as (order by b)",
    "select a from t where b in (select c from d) and e between 1 and 2 and f like 'x%' and g is not null and h = any ($1) union all select 1 order by 1 desc nulls last",
    "select * from t, jsonb_to_recordset(t.x) as r (a int, b text) where to_tsvector('english', r.b) @@ plainto_tsquery('x')",
    "select * from json_table('[]', '$[*]' columns (a int path '$'))",
    "show all",
    "explain select 1",
  ])("ordinary reading is read-only: %s", (text) => {
    expect(facts(text)).toMatchObject({ doubts: [], readOnly: true, writes: false, ddl: false, writesTo: [] });
  });
});

describe("hasWhere", () => {
  test.each([
    ["delete from t", false],
    ["delete from t where true", false],
    ["delete from t where 1 = 1", false],
    ["delete from t where id = 1 or true", false],
    ["delete from t where id = 1 or 1 = 1", false],
    ["delete from t where id = 1 or (true and 2 > 1)", false],
    ["delete from t where id = id", false],
    ["delete from t where $1", false],
    ["delete from t where exists (select 1)", false],
    ["delete from t where (id = 1 or id = 2) and true", true],
    ["delete from t where id = $1", true],
    ["delete from t where current of c", true],
    ["delete from t where exists (select 1 from u where u.id = t.id)", true],
    ["update t set a = 1", false],
    ["update t set a = 1 where id = 1", true],
    ["update t set a = 1 where id = 1; delete from t", false],
    ["with d as (delete from u returning 1) update t set a = 1 where id = 1", false],
    ["with d as (delete from u where id = 1 returning 1) update t set a = 1 where id = 1", true],
    ["with d as (delete from u returning 1) select * from d where d = 1", false],
    ["truncate t", false],
    ["truncate t; delete from t where id = 1", false],
    ["merge into t using u on true when matched then delete", false],
    ["merge into t using u on t.id = u.id when matched then delete", true],
    ["select * from t", false],
    ["select * from t where id = 1", true],
    ["select * from t where id = 1 union select * from u", false],
    ["insert into t values (1)", false],
  ])("%s: %s", (text, expected) => {
    expect(facts(text).hasWhere).toBe(expected);
  });
});

describe("what classification gives", () => {
  test("can be sent as JSON, is frozen, sorted and without duplicates", () => {
    const found = facts("select lower(a), lower(b), abs(1) from t, s, t u");
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    expect(found.tables).toEqual(["public.s", "public.t"]);
    expect(found.functions).toEqual(["abs", "lower"]);
    expect(Object.isFrozen(found) && Object.isFrozen(found.tables) && Object.isFrozen(found.doubts)).toBe(true);
  });

  test.each([
    ["select $2, $1", 2],
    ["select $3", 3],
    ["with d as (delete from t where id = $4 returning 1) select 1", 4],
    ["prepare p as select $1", 0],
    ["create function f(int) returns int language sql begin atomic select $1; end", 0],
    ["execute p($2)", 2],
    ["select '$1', $$ $2 $$ -- $3", 0],
    ["declare c cursor for select $1", 1],
  ])("%s takes %d parameters", (text, expected) => {
    expect(classifyText(text, ["public"]).parameters).toBe(expected);
  });
});
