import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./parser.ts";
import { factsOf } from "./testing-facts.ts";

beforeAll(loadParser);

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
    expect(factsOf(text).hasWhere).toBe(expected);
  });
});
