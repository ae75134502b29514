import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./parser.ts";
import { factsOf } from "./testing-facts.ts";

beforeAll(loadParser);

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
    "domain_in('x', 'd'::regtype, -1)",
    "array_in('{x}', 'd'::regtype, -1)",
    "record_in('(x)', 'c'::regtype, -1)",
    "int4in('1')",
    "pg_input_is_valid('x', 'd')",
    "pg_input_error_info('x', 'd')",
    "pg_sequence_last_value('secret.s')",
    "currtid2('secret.keys', '(0,1)')",
    "pg_logical_slot_peek_changes('s', null, null)",
    "pg_restore_relation_stats('relation', 't')",
    "pg_clear_relation_stats('s', 't')",
    "pg_ls_waldir()",
    "pg_hba_file_rules()",
    "pg_stat_force_next_flush()",
    "pg_replication_origin_session_setup('x')",
    "pg_advisory_unlock_all()",
    "pg_sleep_until('tomorrow')",
    "nextval(pg_get_serial_sequence('t', 'a'))",
    "amvalidate(1)",
    "database_to_xmlschema(true, true, '')",
    "gin_clean_pending_list('i')",
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
      expect(factsOf(text)).toMatchObject({ readOnly: false, writes: true, opaque: true });
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
    expect(factsOf(text).functions).toContain(name);
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
    expect(factsOf(text).opaque).toBe(true);
  });

  test.each([
    "select a.b, t.c, (t).*, public.t.d from t, u a",
    "select g.g, e.value, k.word, u.x, o.n, j.a from generate_series(1, 2) g, jsonb_array_elements('[]') e, pg_get_keywords() k, unnest(array[1]) u (x), unnest(array[1]) with ordinality o (v, n), json_to_record('{}') as j (a int)",
    "select (json_each('{}')).key, (jsonb_each_text('{}')).value",
    "select s.x, c.y from (select 1 as x) s, (values (1)) c (y)",
    "select x.lower from unnest(array['A']) x",
  ])("a column is a column: %s", (text) => {
    expect(factsOf(text)).toMatchObject({ opaque: false, readOnly: true });
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
    expect(factsOf(`select ${expression} from t`)).toMatchObject({ opaque: true, readOnly: false });
    expect(factsOf(`select 1 from t order by ${expression}`).opaque).toBe(true);
  });

  test("ORDER BY … USING and IN (sub-select) name operators too", () => {
    expect(factsOf("select a from t order by a using operator(public.<)").opaque).toBe(true);
    expect(factsOf("select (a, b) operator(public.=) (select 1, 2) from t").opaque).toBe(true);
    expect(factsOf("select a from t order by a using <").opaque).toBe(false);
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
    expect(factsOf(`select ${expression} from t`)).toMatchObject({ opaque: true, readOnly: false });
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
      expect(factsOf(`select ${call} from t`)).toMatchObject({ opaque: true, readOnly: false });
      expect(factsOf(`select ${call} from t`).functions).toContain(`public.${name}`);
    }
  });

  test.each([
    "uuidv7()",
    "any_value(a)",
    "json_value(a, '$.x')",
    "json_array(a, b)",
    "json_scalar(a)",
    "system_user",
    "array_sort(a)",
    "random(1, 2)",
  ])("%s is safe where the server is known to have it", (call) => {
    expect(factsOf(`select ${call} from t`, ["public"], 18)).toMatchObject({ opaque: false, readOnly: true });
    if (call.startsWith("random")) return;
    expect(factsOf(`select ${call} from t`, ["public"], 15)).toMatchObject({ opaque: true, readOnly: false });
    expect(factsOf(`select ${call} from t`)).toMatchObject({ opaque: true, readOnly: false });
  });

  test("a version brings nothing but its own", () => {
    expect(factsOf("select any_value(a), json_array(a) from t", ["public"], 16).opaque).toBe(false);
    expect(factsOf("select json_value(a, '$') from t", ["public"], 16).opaque).toBe(true);
    expect(factsOf("select uuidv7()", ["public"], 17).opaque).toBe(true);
    expect(factsOf("select uuidv7()", ["public", "pg_catalog"], 18).opaque).toBe(true);
    expect(factsOf("select pg_read_file('x'), pg_input_is_valid('x', 'y'), f()", ["public"], 99).functions).toEqual([
      "pg_input_is_valid",
      "pg_read_file",
      "public.f",
      "public.pg_input_is_valid",
      "public.pg_read_file",
    ]);
    expect(factsOf("select pg_input_is_valid('x', 'y')", ["public"], 99).opaque).toBe(true);
  });

  test.each([
    "a in (select 1)",
    "case a when 1 then 2 end",
    "a between 1 and 2",
    "a like 'x'",
    "nullif(a, 1)",
    "a is distinct from 1",
  ])("operators that the grammar implies are looked for along the path: %s", (expression) => {
    expect(factsOf(`select ${expression} from t`).opaque).toBe(false);
    expect(factsOf(`select ${expression} from t`, ["public", "pg_catalog"]).opaque).toBe(true);
  });

  test("and so are those of joins", () => {
    for (const join of ["t join u using (a)", "t natural join u"]) {
      expect(factsOf(`select 1 from ${join}`).opaque).toBe(false);
      expect(factsOf(`select 1 from ${join}`, ["public", "pg_catalog"]).opaque).toBe(true);
    }
  });

  test("a sampling method that is not PostgreSQL's own makes it opaque", () => {
    expect(factsOf("select * from t tablesample evil(1)").opaque).toBe(true);
    expect(factsOf("select * from t tablesample public.system(1)").opaque).toBe(true);
    expect(factsOf("select * from t tablesample system(1)").opaque).toBe(false);
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
    expect(factsOf(text)).toMatchObject({ doubts: [], readOnly: true, writes: false, ddl: false, writesTo: [] });
  });
});
