-- Errors and notices word for word: positions, details, hints, contexts, codes.
select 1 / 0;
selec 1;
select * frm customer;
select 'unterminated;
';
select "unterminated;
";
select 1 +;
select (1;
select 1);
create tabel x (id int);
insert into customer valeus (1);
select * from customer where;
select $1;
select * from no_such_table;
select no_such_column from customer;
select c.nothing from customer c;
select no_such_function(1);
select 1 + 'x';
select 'x'::int;
select '2024-02-30'::date;
select '300.1.1.1'::inet;
select '{"a":}'::json;
select '{1,2'::int[];
select 99999::int2;
select 9999999999::int4;
select 1e400::float8;
select sqrt(-1);
select ln(0);
select substring('x' from 1 for -1);
select array[1, 'x'];
select row(1, 2) = row(1);
select 1 union select 'x';
select 1, 2 union select 1;
select city from customer group by name;
select count(*) from customer where count(*) > 1;
select sum(sum(id)) from customer;
select * from customer order by 99;
select * from customer limit -1;
select id from customer a, customer b;
select (select id from customer);
select * from generate_series(1, 3, 0);
insert into customer (id, name) values (1, 'taken');
insert into customer (id) values (500);
insert into customer (id, name) values (501, null);
insert into purchase values (1000, 999, 1, 1, null);
insert into purchase values (1001, 1, 1, -1, '2024-01-01');
insert into customer values (1, 2, 3, 4, 5, 6);
insert into customer (id, id) values (1, 1);
update customer set nothing = 1;
delete from customer where id = 1;
drop table customer;
drop table nothing_there;
drop table if exists nothing_there;
create table customer (id int);
create table if not exists customer (id int);
create index on customer (nothing);
alter table customer add column name text;
alter table customer drop column nothing;
alter table customer alter column name type int;
create view v as select 1 as a, 2 as a;
create function bad() returns int language sql as 'select nothing';
create function bad() returns int language plpgsql as 'begin return 1';
create type mood as enum ('x');
create extension no_such_extension;
set no_such_setting = 1;
set work_mem = 'much';
set work_mem = '1';
show no_such_setting;
set timezone = 'Nowhere/Land';
grant select on customer to nobody_of_that_name;
select pg_sleep('x');
select has_table_privilege('nobody_of_that_name', 'customer', 'select');
execute never_prepared;
deallocate never_prepared;
fetch from never_declared;
close never_declared;
prepare twice as select 1;
prepare twice as select 2;
deallocate twice;
prepare typed (int) as select $1 + 1;
execute typed;
execute typed ('x');
execute typed (1, 2);
deallocate all;
call no_such_procedure();
do $$ begin raise notice 'a notice'; raise warning 'a warning %', 7; raise info 'an info'; raise log 'a log'; raise debug 'a debug'; end $$;
do $$ begin raise exception 'plain'; end $$;
do $$ begin raise exception using message = 'all of it', detail = 'a detail
in two lines', hint = 'a hint', errcode = 'P0777', column = 'col', constraint = 'con', datatype = 'dt', table = 'tab', schema = 'sch'; end $$;
do $$ begin raise division_by_zero; end $$;
do $$ begin raise notice using message = 'with detail', detail = 'd', hint = 'h'; end $$;
do $$ begin perform 1 / 0; end $$;
do $$ begin execute 'selec 1'; end $$;
do $$ begin assert 1 = 2, 'not so'; end $$;
do language plpgsql 'begin nothing; end';
do language nothing 'x';
create function outer_one(n int) returns int language plpgsql as $$ begin raise notice 'outer %', n; return inner_one(n); end $$;
create function inner_one(n int) returns int language plpgsql as $$ begin return 10 / n; end $$;
select outer_one(5);
select outer_one(0);
\set VERBOSITY verbose
select outer_one(0);
select * from no_such_table;
insert into customer (id, name) values (1, 'taken');
do $$ begin raise notice 'verbose'; end $$;
\set VERBOSITY terse
select outer_one(0);
select * frm customer;
\set VERBOSITY sqlstate
select outer_one(0);
select * frm customer;
\set VERBOSITY default
\set SHOW_CONTEXT always
do $$ begin raise notice 'with context'; end $$;
\set SHOW_CONTEXT never
select outer_one(0);
\set SHOW_CONTEXT errors
set client_min_messages = debug1;
do $$ begin raise debug 'a debug'; raise log 'a log'; raise notice 'a notice'; end $$;
set client_min_messages = warning;
do $$ begin raise notice 'hidden'; raise warning 'shown'; end $$;
drop table if exists nothing_there;
set client_min_messages = error;
do $$ begin raise warning 'hidden too'; end $$;
reset client_min_messages;
select 1 / 0 as a
\gset
\echo :SQLSTATE :ERROR :ROW_COUNT
\echo :LAST_ERROR_MESSAGE :LAST_ERROR_SQLSTATE
\errverbose
select 1;
\echo :SQLSTATE :ERROR :ROW_COUNT
select length(repeat('é', 20)), no_such_column, '日本語の長い文字列' from customer;
select '日本語' frm customer;
select 1,
  2,
  3 / 0,
  no_such_column
from customer;
select 1 as a, 'this is a long line that psql has to shorten around the place of the error because it is much longer than the terminal is wide' as b, no_such_column as c, 'and some more text after the place of the error so that both ends are cut' as d;
select 1
frm customer where 'several' =
'lines';
;
;;
select 1;;
-- only a comment
/* only a comment */;
select E'\xff';
select 'a' || E'\u0000';
select U&'\D800';
select 1a;
select 0x1F, 1_000;
select 1 $ 2;
select @@@ 1;
select 1 where 1 = all (select 1, 2);
set statement_timeout = '50ms';
select pg_sleep(5);
reset statement_timeout;
set lock_timeout = '50ms';
reset lock_timeout;
select pg_terminate_backend(0);
select pg_cancel_backend(-1);
