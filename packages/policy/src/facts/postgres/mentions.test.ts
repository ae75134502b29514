import { beforeAll, describe, expect, test } from "vitest";
import { mentionsOf } from "./mentions.ts";
import { loadParser } from "./parser.ts";

beforeAll(loadParser);

const names = (text: string) => {
  const { columns, wholeRows } = mentionsOf(text);
  return { columns: [...columns].sort(), wholeRows };
};

describe("columns that a statement names", () => {
  test.each([
    ["select id, lower(c.email) from customers c where name = 'x'", ["email", "id", "name"]],
    ["select count(*) from customers", []],
    ["select * from customers", []],
    ["select c.*, now() from customers c", []],
    ["update customers set name = 'x' where id = 1 returning *", ["id"]],
    ["select x.e from (select email as e from customers) x", ["e", "email"]],
    ["select 1 from a join b using (email)", ["email"]],
    ["select id from customers order by email", ["email", "id"]],
  ])("%s", (text, columns) => {
    expect(names(text)).toEqual({ columns, wholeRows: false });
  });

  test.each([
    "select c from customers c",
    "select customers from customers",
    "select public.customers from public.customers",
    "select to_jsonb(c) from customers c",
    "select (c).email from customers c",
    "select email(c) from customers c",
    "select row_to_json(q) from (select * from customers) q",
    "select lower(b) from customers c(a, b)",
    "select lower(b) from (select * from customers) s(a, b)",
    "with s(a, b) as (table customers) select lower(b) from s",
    "with s as (table customers) select s from s",
    "select * from customers union all select * from customers",
    "select * from a natural full join b",
    "select (select c.* from customers c limit 1) is null",
    "select array(select c from customers c)",
    "select (row(c.*))::text from customers c",
    "update customers c set name = 'x' returning c",
    "update customers c set name = 'x' returning with (old as o) to_jsonb(o)",
    "update customers c set name = 'x' returning new",
    "delete from customers using orders o returning o",
    "merge into customers c using orders o on c.id = o.id when matched then delete returning c",
  ])("whole rows, or columns by another name: %s", (text) => {
    expect(names(text).wholeRows).toBe(true);
  });

  test.each([
    ["update customers set name = 'x' where email = 'y' returning email", [], false],
    ["update customers set name = email", ["email"], false],
    ["insert into log select id, name from customers where email = 'x'", ["id", "name"], false],
    ["insert into log select id from (select id from customers where email = 'x') c", ["email", "id"], false],
    ["insert into log select * from customers", [], true],
    ["insert into customers values (1) on conflict (id) do update set email = excluded.email", [], false],
    ["insert into t select 1 on conflict (id) do update set a = (select excluded.email from c excluded)", ["email"], false],
    ["with x as (delete from customers returning email) insert into log select 1", ["email"], false],
    ["prepare p as update customers set name = 'x' where email = 'y'", [], false],
  ])("that a change may store: %s", (text, columns, wholeRows) => {
    const stored = mentionsOf(text, "stored");
    expect({ columns: [...stored.columns].sort(), wholeRows: stored.wholeRows }).toEqual({ columns, wholeRows });
  });
});
