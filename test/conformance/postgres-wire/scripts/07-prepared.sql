-- PREPARE and EXECUTE, and what psql does with a query buffer.
prepare plain as select 1;
execute plain;
execute plain;
prepare by_id (int) as select id, name from customer where id = $1;
execute by_id (3);
execute by_id (4);
execute by_id (null);
execute by_id ('5');
execute by_id (2 + 4);
prepare untyped as select $1::text, $2::int + 1;
execute untyped ('a', 2);
prepare inferred as insert into ledger (id, amount) values ($1, $2) returning *;
execute inferred (200, 5);
execute inferred (200, 5);
execute inferred (201, 5000);
prepare changing as update ledger set amount = amount + $1 where id = 200;
execute changing (1);
execute changing (1);
select amount from ledger where id = 200;
prepare listing (int[], text) as select * from unnest($1) with ordinality where $2 is not null;
execute listing (array[5, 6], 'x');
explain (costs off) execute by_id (3);
select name, parameter_types, from_sql from pg_prepared_statements order by name;
deallocate plain;
execute plain;
prepare plain as select 'another of that name';
execute plain;
create table made as execute by_id (7);
select * from made;
begin;
prepare inside as select 'prepared in a transaction that is rolled back';
rollback;
execute inside;
begin;
execute by_id ('x');
select 1;
rollback;
execute by_id (1);
prepare "Odd name" as values ('odd');
execute "Odd name";
execute "odd name";
alter table made add column more int default 4;
prepare stars as select * from made;
execute stars;
alter table made drop column more;
execute stars;
deallocate prepare stars;
discard plans;
execute by_id (2);
deallocate all;
execute by_id (2);
prepare p1 as select 1 \; execute p1 \; deallocate p1;
prepare broken as select nothing;
prepare broken as selec 1;
prepare many (int, int, int, int, int) as select $1 + $2 + $3 + $4 + $5;
execute many (1, 2, 3, 4, 5);
set plan_cache_mode = force_generic_plan;
execute many (5, 4, 3, 2, 1);
reset plan_cache_mode;
select id, name, credit, since from customer where id = 1 \gdesc
select no_such_column \gdesc
create table never (id int) \gdesc
select 1 as one, 'x' as "Two" \gset pre_
\echo :pre_one :pre_Two
select :pre_one + 1 as sum, :'pre_Two' as quoted, :"pre_Two" from (select 2 as x) t;
select id as customer_id, name as customer_name from customer where id = 2 \gset
\echo :customer_id :customer_name
select * from customer where id > 2 \gset
select 1 where false \gset
select format('select %s as n', n) from generate_series(1, 3) n \gexec
select 'select 1 / 0' union all select 'select 5' \gexec
select id, name from customer where id < 3 order by id \gx
select id, name from customer where id < 3 order by id \g (format=csv)
select id, name from customer where id < 3 order by id \g /dev/null
select 'piped' \g | cat
select city, since > '2020-01-20' as late, count(*) from customer where id < 41 group by 1, 2 order by 1, 2 \crosstabview
select 1, 2
\p
\r
select 3;
\echo text :ROW_COUNT
\qecho to the output
\warn to standard error
\if true
select 'taken';
\else
select 'not taken';
\endif
\set name 'O''Brien'
select :'name';
\set ECHO_HIDDEN on
\dn public
\set ECHO_HIDDEN off
\o /dev/null
select 'not shown';
\o
\s /dev/null
\d customer
\d purchase
\d every_type
\d nothing_there
\dt
\di
\ds
\dv
\dT mood
\dD
\df outer_one
\sf outer_one
\sv goods_view
\dp customer
\dn
\dx
\da sum
\db pg_default
\dc ascii_to*
\dC bool
\dL
\do =
\dS pg_lsn_*
\l postgres_none
\du nobody_of_that_name
\dRp
\dy
\dconfig work_mem
\z item
\dt+ nothing*
\d nothing.that.is.too.long.a.name
\encoding
\prompt
\timing off
\! echo from the shell
\ef nothing_there
\x auto
select 1 as a;
\x off
\gdesc
\bind
\nonsense
