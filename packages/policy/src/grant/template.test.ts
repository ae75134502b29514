import { beforeAll, describe, expect, test } from "vitest";
import type { Operation, PostgresParameter, PostgresQuery } from "../action.ts";
import { loadParser } from "../facts/postgres/parser.ts";
import { classify, type Facts } from "../facts.ts";
import type { Bound } from "./bound.ts";
import { grantableValues, matchesGrant, templateOf } from "./template.ts";

beforeAll(loadParser);

const query = (statement: string, ...parameters: readonly (PostgresParameter | string)[]): PostgresQuery => ({
  kind: "postgres.query",
  statement,
  parameters: parameters.map((one) => (typeof one === "string" ? { text: one } : one)),
});

const factsOf = (operation: Operation, searchPath = ["public"]): Facts => classify(operation, { searchPath });

/** Whether a grant on an operation, with these bounds, covers another. */
function covers(approved: Operation, bounds: Readonly<Record<string, Bound>>, asked: Operation): boolean {
  const list = Object.entries(bounds).map(([value, bound]) => ({ value, bound }));
  return matchesGrant(templateOf(approved, factsOf(approved), list), asked, factsOf(asked));
}

const any: Bound = { type: "any" };
const range = (min: string, max: string): Bound => ({ type: "range", min, max });
const oneOf = (...values: string[]): Bound => ({ type: "one_of", values });
const prefix = (text: string): Bound => ({ type: "prefix", prefix: text });

const deletion = query("delete from orders where id = $1 and note = 'dup'", "7");

describe("SQL: a value that nothing bounds is the approved one", () => {
  test.each<[boolean, PostgresQuery]>([
    [true, deletion],
    [true, query("DELETE FROM orders /* x */ WHERE ((id = $1)) AND note = 'dup'", "7")],
    [true, query("delete from orders where id = $1 and note = E'd\\165p'", "7")],
    [false, query("delete from orders where id = $1 and note = 'dup'", "8")],
    [false, query("delete from orders where id = $1 and note = 'dup'", " 7")],
    [false, query("delete from orders where id = $1 and note = 'dup'", "07")],
    [false, query("delete from orders where id = $1 and note = 'dup'", null)],
    [false, query("delete from orders where id = $1 and note = 'dup'", { binary: "Nw" })],
    [false, query("delete from orders where id = $1 and note = 'Dup'", "7")],
    [false, query("delete from orders where id = $1 and note = ''", "7")],
  ])("%s: %s", (expected, asked) => {
    expect(covers(deletion, {}, asked)).toBe(expected);
  });
});

describe("pg-bind: whatever is not a value stays, however wide the bounds are", () => {
  const approved = query("select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by a limit 10", "7");
  const wide = { $1: any, "constant 1": any, "constant 2": any, "constant 3": any, "constant 4": any };
  test("what the bounds permit is covered", () => {
    const asked = query("select a, b from orders where id = $1 and total > 6 and x in (8, 9) order by a limit 500", "x");
    expect(covers(approved, wide, asked)).toBe(true);
  });
  test.each([
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by a limit 10; select 1",
    "select a, b from users where id = $1 and total > 5 and x in (1, 2) order by a limit 10",
    "select a, b from other.orders where id = $1 and total > 5 and x in (1, 2) order by a limit 10",
    "select a, c from orders where id = $1 and total > 5 and x in (1, 2) order by a limit 10",
    "select b, a from orders where id = $1 and total > 5 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total >= 5 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 or total > 5 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > 5 and x not in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2, 3) order by a limit 10",
    "select a, b from orders where id = $1 and total > 5 and x in (1) order by a limit 10",
    "select a, b from orders where id = $1 and total > 5 and x in (1, $1) order by a limit 10",
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by b limit 10",
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by a desc limit 10",
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by a",
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by a offset 10",
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by a limit null",
    "select a, b from orders where id = $1 and total > 5 and x in (1, 2) order by a limit 10 for update",
    "select a, b from orders where id = $1 and lower('x') > 5 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1::int and total > 5 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > '5' and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > 5.5 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > 5000000000 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > 1e3 and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > null and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and total > b'101' and x in (1, 2) order by a limit 10",
    "select a, b from orders where id = $1 and x in (1, 2) order by a limit 10",
    "delete from orders where id = $1",
  ])("%s", (statement) => {
    expect(covers(approved, wide, query(statement, "7"))).toBe(false);
  });

  test("a longer VALUES list, or one more column, is another insert", () => {
    const insert = query("insert into t values (1, 'a')");
    const all = { "constant 1": any, "constant 2": any };
    expect(covers(insert, all, query("insert into t values (2, 'b')"))).toBe(true);
    expect(covers(insert, all, query("insert into t values (2, 'b'), (3, 'c')"))).toBe(false);
    expect(covers(insert, all, query("insert into t values (2, 'b', 3)"))).toBe(false);
    expect(covers(insert, all, query("insert into t select 2, 'b'"))).toBe(false);
  });

  test("the same names on another search path are other tables", () => {
    const template = templateOf(deletion, factsOf(deletion), []);
    expect(matchesGrant(template, deletion, factsOf(deletion))).toBe(true);
    expect(matchesGrant(template, deletion, factsOf(deletion, ["private"]))).toBe(false);
  });

  test("values keep their places when clauses change theirs: an offset is not taken for a limit", () => {
    const page = query("select a from t where b = 1 limit 5 offset 7");
    const bounds = { "constant 2": oneOf("5", "6") };
    expect(covers(page, bounds, query("select a from t where b = 1 limit 6 offset 7"))).toBe(true);
    expect(covers(page, bounds, query("select a from t where b = 1 offset 7 limit 6"))).toBe(true);
    expect(covers(page, bounds, query("select a from t where b = 1 offset 6 limit 7"))).toBe(false);
    expect(covers(page, bounds, query("select a from t where b = 1 limit 7 offset 5"))).toBe(false);
  });
});

describe("SQL: numbers are read in plain notation only, exactly", () => {
  const bounds = { $1: range("1", "1000.5") };
  test.each<[boolean, PostgresParameter]>([
    ...(["1", "1000", "1000.5", "1000.50", "2.000000000000000000000000000001"] as const).map(
      (text): [boolean, PostgresParameter] => [true, { text }],
    ),
    ...(
      [
        "0",
        "-1",
        "1000.51",
        "0.999999999999999999999999999999",
        "1e3",
        " 7",
        "7 ",
        "7\n",
        "+7",
        "07",
        "0x10",
        "1_0",
        "７",
      ] as const
    ).map((text): [boolean, PostgresParameter] => [false, { text }]),
    ...(["", "NaN", "Infinity", "null", "1.", ".5", "7;", "7' or '1", `${"1".repeat(101)}`] as const).map(
      (text): [boolean, PostgresParameter] => [false, { text }],
    ),
    [false, null],
    [false, { binary: "Nw" }],
  ])("%s: %j", (expected, parameter) => {
    expect(covers(deletion, bounds, query(deletion.statement, parameter))).toBe(expected);
  });

  test("a constant keeps its type", () => {
    const approved = query("delete from orders where id = 5");
    const bound = { "constant 1": range("-10", "10000000000") };
    expect(covers(approved, bound, query("delete from orders where id = 0"))).toBe(true);
    expect(covers(approved, bound, query("delete from orders where id = -3"))).toBe(true);
    expect(covers(approved, bound, query("delete from orders where id = 0x10"))).toBe(true);
    expect(covers(approved, bound, query("delete from orders where id = 5000000000"))).toBe(false);
    expect(covers(approved, bound, query("delete from orders where id = 5.0"))).toBe(false);
    expect(covers(approved, bound, query("delete from orders where id = '5'"))).toBe(false);
  });
});

describe("SQL: NULL and bytes are within no bound that speaks of texts", () => {
  const params = [null, { text: "NULL" }, { text: "null" }, { text: "dup-1" }, { binary: "ZHVwLTE" }] as const;
  test.each<[Bound, boolean[]]>([
    [oneOf("NULL", "dup-1"), [false, true, false, true, false]],
    [prefix("dup-"), [false, false, false, true, false]],
    [any, [false, true, true, true, true]],
  ])("%j", (bound, expected) => {
    expect(params.map((one) => covers(deletion, { $1: bound }, query(deletion.statement, one)))).toEqual(expected);
  });
  test("an approved NULL is covered, and nothing else", () => {
    const approved = query(deletion.statement, null);
    expect(params.map((one) => covers(approved, {}, query(deletion.statement, one)))).toEqual([true, false, false, false, false]);
  });
});

test("a prefix does not let a path climb out of it", () => {
  const bounds = { $1: prefix("/srv/") };
  const covered = (text: string) => covers(deletion, bounds, query(deletion.statement, text));
  expect(["/srv/a", "/srv/a..b", "/srv/"].map(covered)).toEqual([true, true, true]);
  expect(["/srv/../etc", "/srv/..", "/srv/a/../../b", "/srv/..\\x", "/SRV/a", " /srv/a"].some(covered)).toBe(false);
});

test.each(["select 1; select 2", "select my_function(1)", "do $$ begin delete from t; end $$", `select ${"1,".repeat(5000)}1`])(
  "what is opaque, several statements, or too long becomes no grant: %s",
  (statement) => {
    const operation = query(statement);
    expect(grantableValues(operation, factsOf(operation))).toBeUndefined();
    expect(() => templateOf(operation, factsOf(operation), [])).toThrow(/standing approval/);
  },
);

test("values are named as they stand in the text; a bound on none of them is refused", () => {
  const update = query("update t set a = 'x', b = $2 where c = 3 and d = $1", "one", "two");
  expect(grantableValues(update, factsOf(update))).toMatchObject([
    { name: "$1", value: { text: "one" } },
    { name: "$2", value: { text: "two" } },
    { name: "constant 1", value: { text: "x" } },
    { name: "constant 2", value: { text: "3" } },
  ]);
  expect(() => templateOf(update, factsOf(update), [{ value: "$3", bound: any }])).toThrow(/no value "\$3"/);
});
