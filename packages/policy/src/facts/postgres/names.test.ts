import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./parser.ts";
import { factsOf } from "./testing-facts.ts";

beforeAll(loadParser);

describe("names", () => {
  test("an unqualified name is listed once for each schema that it may be in", () => {
    expect(factsOf("select * from orders", ["app", "public"]).tables).toEqual(["app.orders", "public.orders"]);
    expect(factsOf("delete from orders", ["app", "public"]).writesTo).toEqual(["app.orders", "public.orders"]);
    expect(factsOf("select * from orders", []).tables).toEqual(["orders"]);
  });

  test("pg_catalog comes first unless the path names it later", () => {
    expect(factsOf("select * from pg_class").tables).toEqual(["pg_catalog.pg_class"]);
    expect(factsOf("select * from pg_class", ["public", "pg_catalog"]).tables).toEqual([
      "pg_catalog.pg_class",
      "public.pg_class",
    ]);
    expect(factsOf("select * from pg_something_new").tables).toEqual(["pg_catalog.pg_something_new", "public.pg_something_new"]);
    expect(factsOf("select lower(a) from t", ["public", "pg_catalog"])).toMatchObject({ opaque: true });
    expect(factsOf("select 1 + 1", ["public", "pg_catalog"])).toMatchObject({ opaque: true });
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
      expect(factsOf(text).tables).toEqual(["secret.keys"]);
    }
    expect(factsOf('select * from "Keys"').tables).toEqual(["public.Keys"]);
  });

  test("a dot or a quote in a name cannot imitate another schema", () => {
    expect(factsOf('select * from "public.orders"').tables).toEqual(['public."public.orders"']);
    expect(factsOf('select * from "a""b".c').tables).toEqual(['"a""b".c']);
    expect(factsOf('select "pg_catalog.lower"(1)').functions).toEqual(['public."pg_catalog.lower"']);
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
      expect(factsOf(text).tables).toEqual(tables);
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
      "alter table secret.keys rename column a to b",
      "drop view secret.keys",
      "security label on table secret.keys is 'x'",
    ]) {
      expect(factsOf(text)).toMatchObject({ ddl: true, readOnly: false, writesTo: ["secret.keys"] });
    }
    expect(factsOf("create view v as select * from secret.keys")).toMatchObject({
      writesTo: ["public.v"],
      reads: ["secret.keys"],
    });
  });

  test("a new name counts like the old one", () => {
    expect(factsOf("alter table a.b rename to c").writesTo).toEqual(["a.b", "a.c"]);
    expect(factsOf("alter view b rename to c").writesTo).toEqual(["public.b", "public.c"]);
    expect(factsOf("alter table a.b set schema secret").writesTo).toEqual(["a.b", "secret.b"]);
    expect(factsOf("alter type a.b set schema secret").writesTo).toEqual([]);
    expect(factsOf("alter table a.b rename constraint c to d").writesTo).toEqual(["a.b"]);
  });

  test("an UPDATE or DELETE, and whatever returns rows, also reads", () => {
    expect(factsOf("delete from t").reads).toEqual(["public.t"]);
    expect(factsOf("insert into t values (1)").reads).toEqual([]);
    expect(factsOf("insert into t values (1) returning *").reads).toEqual(["public.t"]);
  });
});
