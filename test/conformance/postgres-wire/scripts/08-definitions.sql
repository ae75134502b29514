-- Everything that can be defined, changed and dropped.
create schema depot;
comment on schema depot is 'where things are kept';
create table depot.shelf (id int generated always as identity primary key, label varchar(20) not null unique, area int default 3 check (area > 0), doubled int generated always as (area * 2) stored);
comment on table depot.shelf is 'a shelf';
comment on column depot.shelf.label is 'what is written on it';
insert into depot.shelf (label) values ('first'), ('second') returning *;
insert into depot.shelf (id, label) values (9, 'x');
insert into depot.shelf (id, label) overriding system value values (9, 'ninth') returning id;
insert into depot.shelf (label, doubled) values ('x', 1);
insert into depot.shelf (label) values ('a label that is far too long for it');
insert into depot.shelf (label) values ('first');
insert into depot.shelf (label, area) values ('flat', 0);
\d depot.shelf
\d+ depot.shelf
\dt depot.*
\dn+ depot
alter table depot.shelf add column colour text default 'grey';
alter table depot.shelf rename column colour to paint;
alter table depot.shelf alter column area type bigint;
alter table depot.shelf alter column paint set not null;
alter table depot.shelf alter column paint drop default;
alter table depot.shelf add constraint no_pink check (paint <> 'pink') not valid;
alter table depot.shelf validate constraint no_pink;
alter table depot.shelf drop constraint no_pink;
alter table depot.shelf add constraint no_pink check (paint <> 'grey');
alter table depot.shelf rename to rack;
\d depot.rack
select table_schema, table_name, column_name, data_type, is_nullable from information_schema.columns where table_schema = 'depot' order by ordinal_position;
create index rack_area on depot.rack (area desc nulls last) where area > 1;
create unique index rack_lower on depot.rack (lower(label));
create index if not exists rack_area on depot.rack (area);
reindex index depot.rack_area;
analyze depot.rack;
drop index depot.rack_area;
create sequence depot.tickets start 10 increment 5 maxvalue 20;
select nextval('depot.tickets'), nextval('depot.tickets'), currval('depot.tickets');
select nextval('depot.tickets');
select nextval('depot.tickets');
select setval('depot.tickets', 10, false);
alter sequence depot.tickets cycle;
\d depot.tickets
create view depot.labels as select id, label from depot.rack;
create or replace view depot.labels as select id, label, area from depot.rack with check option;
insert into depot.labels (label, area) values ('by view', 1);
create materialized view depot.sums as select count(*) as racks, sum(area) as area from depot.rack with data;
select * from depot.sums;
refresh materialized view depot.sums;
refresh materialized view concurrently depot.sums;
\d depot.labels
\dm depot.*
create table depot.history (at int, label text) partition by range (at);
create table depot.history_old partition of depot.history for values from (0) to (100);
create table depot.history_new partition of depot.history for values from (100) to (200);
insert into depot.history values (5, 'old'), (105, 'new');
insert into depot.history values (500, 'nowhere');
select tableoid::regclass, * from depot.history order by at;
\d+ depot.history
alter table depot.history detach partition depot.history_old;
create table depot.child (extra text) inherits (depot.rack);
\d depot.child
drop table depot.rack;
create function depot.add(a int, b int default 1) returns int language sql immutable strict as 'select a + b';
create or replace function depot.add(a int, b int default 1) returns int language sql immutable as $$ select coalesce(a, 0) + b $$;
select depot.add(1), depot.add(1, 2), depot.add(b => 5, a => 2), depot.add(null);
create function depot.several(out a int, out b text) language sql as $$ select 1, 'x'::text $$;
select * from depot.several();
create function depot.rows(n int) returns table (i int, t text) language plpgsql as $$ begin for i in 1..n loop t = 'row ' || i; return next; end loop; end $$;
select * from depot.rows(3);
create function depot.many(variadic n int[]) returns int language sql as 'select count(*)::int from unnest(n)';
select depot.many(1, 2, 3), depot.many(variadic array[1]);
create function depot.setof() returns setof int language sql as 'values (1), (2)';
select depot.setof(), 'x';
create procedure depot.raise_it(inout x int) language plpgsql as $$ begin raise notice 'x is %', x; x = x * 2; end $$;
call depot.raise_it(21);
create aggregate depot.product (int) (sfunc = int4mul, stype = int, initcond = 1);
select depot.product(n) from generate_series(1, 5) n;
create operator depot.<+> (leftarg = int, rightarg = int, function = depot.add);
select 1 operator(depot.<+>) 2;
create cast (mood as int) with function depot.no_such(mood);
\df depot.*
\do depot.*
create function depot.audit() returns trigger language plpgsql as $$ begin raise notice '% % %', tg_op, tg_when, tg_level; if tg_op = 'DELETE' then return old; end if; return new; end $$;
create table depot.watched (id int, v text);
create trigger row_level before insert or update or delete on depot.watched for each row execute function depot.audit();
create trigger statement_level after insert or truncate on depot.watched for each statement execute function depot.audit();
insert into depot.watched values (1, 'a'), (2, 'b');
update depot.watched set v = 'c' where id = 1;
delete from depot.watched where id = 2;
truncate depot.watched;
alter table depot.watched disable trigger row_level;
insert into depot.watched values (3, 'c');
\d depot.watched
create rule loud as on delete to depot.watched do instead select 'not deleted' as answer;
delete from depot.watched where id = 3;
drop rule loud on depot.watched;
alter table depot.watched enable row level security;
create policy everything on depot.watched using (true) with check (id > 0);
\d depot.watched
create type depot.colour as enum ('red', 'green');
alter type depot.colour add value 'blue' after 'red';
select enum_range(null::depot.colour);
alter type depot.colour rename value 'red' to 'crimson';
\dT+ depot.colour
create domain depot.percent as numeric check (value between 0 and 100);
create table depot.rates (r depot.percent);
insert into depot.rates values (50), (101);
create temp table scratch (id int) on commit drop;
create temp table scratch (id int);
insert into scratch select generate_series(1, 5);
select * from scratch order by id limit 2;
create table depot.copied as table scratch with no data;
create table depot.liked (like customer including all);
\d depot.liked
select * into depot.into_this from scratch where id > 3;
select count(*) from depot.into_this;
grant select on depot.copied to public;
revoke select on depot.copied from public;
\dp depot.copied
do $$ declare r record; begin for r in select n from generate_series(1, 2) n loop raise notice 'n %', r.n; end loop; end $$;
create statistics depot.stats on id, v from depot.watched;
create collation depot.german (locale = 'C');
create text search configuration depot.words (copy = pg_catalog.simple);
select to_tsvector('depot.words', 'A few words');
security label on table depot.copied is 'x';
create event trigger watcher on ddl_command_start execute function depot.audit();
create publication everything for table customer;
create foreign data wrapper elsewhere;
create access method nothing type index handler nothing;
cluster customer using customer_pkey;
checkpoint;
load 'plpgsql';
drop function depot.add(int);
drop function depot.add;
drop schema depot;
drop schema depot cascade;
drop table if exists depot.nothing, scratch;
alter system set work_mem = '5MB';
create database from_here;
