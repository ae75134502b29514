import { beforeAll, describe, expect, test } from "vitest";
import { classifyText } from "./classify.ts";
import { loadParser } from "./parser.ts";
import { factsOf } from "./testing-facts.ts";

beforeAll(loadParser);

describe("pg-multi: every statement counts", () => {
  test.each([
    "select 1; delete from t",
    "delete from t; select 1",
    "select 1;;;\n-- x\n;delete from t;",
    "select ';'; delete from t -- ;",
    "select $$;$$; delete from t",
  ])("%j", (text) => {
    expect(factsOf(text)).toMatchObject({ statements: 2, readOnly: false, writes: true, writesTo: ["public.t"] });
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
    expect(factsOf("select 1; select f(); drop table t")).toMatchObject({ statements: 3, opaque: true, ddl: true, writes: true });
  });
});

describe("what classification gives", () => {
  test("can be sent as JSON, is frozen, sorted and without duplicates", () => {
    const found = factsOf("select lower(a), lower(b), abs(1) from t, s, t u");
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
