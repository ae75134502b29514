import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./parser.ts";
import { factsOf, refusalOf } from "./testing-facts.ts";

beforeAll(loadParser);

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
    "select set_config('rolex'::varchar(4), 'postgres', false)",
    "select set_config(cast('search_pathology' as char(11)), 'evil', false)",
    "select set_config('role '::bpchar, 'postgres', false)",
    "select set_config('role'::name, 'postgres', false)",
    "select set_config('{role}'::text[], 'postgres', false)",
    "select set_config(null, 'postgres', false)",
    "select set_config((select 'role'), 'postgres', false)",
    "select set_config(case when true then 'role' end, 'postgres', false)",
    "select set_config(coalesce('role'), 'postgres', false)",
    "select set_config('ro'\n'le', 'postgres', false)",
    "select s from set_config('role', 'postgres', false) s",
    "select * from rows from (set_config('role', 'postgres', false), abs(1)) r",
    "select * from t, lateral set_config('role', t.a, false)",
    "select array[set_config('role', 'postgres', false)]",
    "select count(*) filter (where set_config('role', 'postgres', false) is null)",
    "select 1 order by set_config('role', 'postgres', false)",
    "select 1 limit length(set_config('role', 'postgres', false))",
    "select * from t tablesample system (length(set_config('role', 'postgres', false)))",
    "copy (select set_config('role', 'postgres', false)) to stdout",
    "declare c cursor for select set_config('role', 'postgres', false)",
    "create table x as select set_config('role', 'postgres', false)",
    "create table x (a text default set_config('role', 'postgres', false))",
    "call p(set_config('role', 'postgres', false))",
    "execute p(set_config('role', 'postgres', false))",
    "delete from t returning set_config('role', 'postgres', false)",
    "merge into t using u on true when matched and set_config('role', 'x', false) is null then do nothing",
    "insert into pg_settings values ('role', 'postgres')",
    "delete from pg_settings",
    "explain update pg_settings set setting = 'evil'",
    "alter user current_user set role = postgres",
    "alter role bob set session authorization default",
    "alter database d set role = postgres",
    "alter system set role = 'postgres'",
    "set session session authorization postgres",
    "set local names 'LATIN1'",
    "set session escape_string_warning = off",
    "select 1; set local search_path = evil; select 2",
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
    expect(refusalOf(text)).toMatch(/^invalid_operation: .*(pins|pinned)/);
  });

  test("the text is read with standard strings and the safe backslash, as the connection is pinned", () => {
    expect(factsOf("select 'a\\'; drop table t; --'")).toMatchObject({ statements: 2, ddl: true });
    expect(factsOf("select E'a\\'; drop table t; --'")).toMatchObject({ statements: 1, readOnly: true });
  });

  test("another setting is a change of the session, understood but not read-only", () => {
    for (const text of ["set work_mem = '1MB'", "set time zone 'UTC'", "reset work_mem", "set transaction read write"]) {
      expect(factsOf(text)).toMatchObject({ readOnly: false, writes: false, ddl: false, opaque: false });
    }
    expect(factsOf("select set_config('work_mem', '1MB', true)")).toMatchObject({ readOnly: false, opaque: true });
    expect(factsOf("select set_config('work_mem'::text, '1MB', true)").opaque).toBe(true);
    expect(factsOf("show search_path").readOnly).toBe(true);
  });

  test("a function may have settings of its own", () => {
    expect(factsOf("create function f() returns int language sql set search_path = x as 'select 1'")).toMatchObject({
      ddl: true,
      opaque: true,
    });
    expect(factsOf("alter function f() set search_path = x")).toMatchObject({ ddl: true, opaque: true });
  });
});
