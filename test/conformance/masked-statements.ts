/** Statements on masked columns, for calls and for clients of their own. */

/** Occurs in no other value, message or name. */
export const secret = "s3cret-9041";
/** Of the policy. */
export const masks = [
  "public.customers.email",
  "public.customers.note",
  "public.vault.*",
  "public.badges.code",
  "public.sites_east.door",
];
/** The tables, made by their owner. */
export const world = [
  "create table customers (id int primary key, name text not null, email text unique check (email <> 'bad'), note varchar(40), born date)",
  `insert into customers values (1, 'ann', '${secret}', '${secret}', '2001-02-03'), (2, 'bob', null, null, null)`,
  "create table customers_west () inherits (customers)",
  `insert into customers_west values (3, 'cyn', '${secret}-w', null, null)`,
  `create table vault (k int, v int)`,
  "insert into vault values (90417, 90417)",
  "create view mail as select id, lower(email) as address from customers",
  "create view mail_again as select address as a from mail",
  "create table badges (code text, shout text generated always as (upper(code)) stored)",
  "insert into badges values ('s3cret-9041')",
  "create view shouted as select lower(shout) as s from badges",
  "create table names_log (id int, name text)",
  "create table sites (id int, door text) partition by list (id)",
  "create table sites_east partition of sites for values in (1)",
  "insert into sites values (1, 's3cret-9041')",
  "create view names as select id, name from customers",
  "analyze",
];

/** What a statement gives. */
export const shown: readonly (readonly [statement: string, rows: readonly (readonly (string | null)[])[]])[] = [
  [
    "select id, name, email, note from only customers order by id",
    [
      ["1", "ann", "****", "****"],
      ["2", "bob", null, null],
    ],
  ],
  ["select * from only customers where id = 1", [["1", "ann", "****", "****", "2001-02-03"]]],
  ["select email as name from only customers where id = 1", [["****"]]],
  ["select e from (select email as e from only customers) x where e is not null", [["****"]]],
  ["with x as (select * from only customers) select * from x where id = 1", [["1", "ann", "****", "****", "2001-02-03"]]],
  [
    "select id, upper(name) from only customers order by id",
    [
      ["1", "ANN"],
      ["2", "BOB"],
    ],
  ],
  ["select count(*), max(id) from customers", [["3", "3"]]],
  ["select email from customers_west", [["****"]]],
  ["select v, k from vault", [[null, null]]],
  ["select shout from badges", [["****"]]],
  ["select s from shouted", [["****"]]],
  ["select door from sites", [["****"]]],
  ["select id, door from sites_east", [["1", "****"]]],
  ["select id, name from names where id = 1", [["1", "ann"]]],
  ["select id, address from mail where id = 1", [[null, "****"]]],
  ["select a from mail_again where a is not null limit 1", [["****"]]],
  ["update only customers set born = '2002-02-02' where id = 1 returning email, born", [["****", "2002-02-02"]]],
  ["update only customers set born = '2001-02-03' where id = 1 returning *", [["1", "ann", "****", "****", "2001-02-03"]]],
];

/** Of these no value may get out, whatever they give. */
export const hidden: readonly string[] = [
  "select lower(email) from customers",
  "select email || '' from customers",
  "select substr(email, 1, 5), length(email) from customers",
  "select c from customers c",
  "select customers from customers",
  "select to_jsonb(c) from customers c",
  "select row_to_json(q) from (select * from customers) q",
  "select lower(b) from customers c(a, n, b)",
  "select lower(b) from (select * from customers) s(a, n, b)",
  "select max(email) from customers",
  "select string_agg(email, ',') from customers",
  "select array_agg(c) from customers c",
  "select array(select email from customers)",
  "select (select email from customers limit 1)",
  "select email from customers union all select email from customers",
  "select * from customers union select * from customers",
  "select distinct email from customers",
  "select case when true then email end from customers",
  "select coalesce(email, '') from customers",
  "select * from customers a natural full join customers b",
  "select email from customers a full join customers b using (email)",
  "select x.* from customers c, lateral (select c.email) x",
  "select x from customers c, lateral (values (c.email)) v(x)",
  "select json_build_object('e', email) from customers",
  "select most_common_vals::text from pg_stats where tablename = 'customers'",
  "select * from pg_stats where tablename like 'customers%'",
  "update only customers set name = name where id = 1 returning lower(email)",
  "update only customers c set name = name where id = 1 returning c",
  "table mail",
  "select lower(door) from sites",
  "select lower(shout) from badges",
  "explain (analyze, verbose) select * from customers where email like 's%' order by email",
  "with recursive r(e) as (select email from customers union all select e from r where false) select * from r",
  "select * from mail_again",
];

/** These fail with words of the database that quote values. */
export const quoting: readonly string[] = [
  "select email::int from customers",
  "select name::int, email from customers where email::date > now()",
  "update only customers set name = null where id = 1",
  "update only customers set email = 'bad' where id = 1",
  "update only customers set id = 1 where id = 2",
];

/** These would give values in a form that cannot be masked, or put them where they are not masked. */
export const refused: readonly string[] = [
  "copy customers to stdout",
  "copy (select email from customers) to stdout",
  "select (c).email from customers c",
  "select email(c) from customers c",
  "select (row(c.*)).f3 from customers c",
  "select set_config('my.stolen', email, false) from customers",
  "select pg_notify('stolen', email) from customers",
  "select query_to_xml('select email from customers', true, true, '')",
  "do $$ begin perform set_config('my.stolen', (select email from customers limit 1), false); end $$",
  "create function f() returns text language sql as 'select email from customers limit 1'",
  "insert into names_log select id, email from customers",
  "insert into names_log select id, c::text from customers c",
  "insert into names_log table mail",
  "insert into customers (id, name) values (1, 'x') on conflict (id) do update set name = customers.email",
  "insert into customers (id, name) values (1, 'x') on conflict (id) do update set name = (select excluded.email from customers excluded limit 1)",
  "with x as (delete from customers where false returning email) insert into names_log select 1, email from x",
  "with x as (update customers set name = email returning 1) select * from x",
  "update customers set name = email",
  "update customers set (name, born) = (select email, born from customers limit 1)",
  "update names_log set name = c.email from customers c",
  "merge into names_log n using customers c on n.id = c.id when matched then update set name = c.email",
  "create table stolen as select * from customers",
  "create temp table stolen as select email from customers",
  "select * into stolen from customers",
  "create view stolen as select email as e from customers",
  "create temp view stolen as select address from mail",
  "create materialized view stolen as select email from customers",
  "alter table customers rename column email to plain",
  "alter table customers rename to plain",
  "alter table customers_west no inherit customers",
];
