-- COPY in both directions and in every format, and what goes wrong in it.
create table goods (id int primary key, label text, price numeric, note text);
copy goods from stdin;
1	apple	1.50	fresh
2	pear	\N	tab\there
3	plum	0.25	line\nbreak
\.
select * from goods order by id;
copy goods to stdout;
copy goods (id, label) to stdout;
copy goods to stdout (format csv, header);
copy goods to stdout with (format csv, delimiter ';', null 'NULL', quote '''', force_quote (label));
copy goods to stdout (delimiter '|', null '-');
copy (select id, label from goods where price is not null order by id desc) to stdout;
copy (values (1, 'a'), (2, null)) to stdout csv;
copy (select 1 where false) to stdout;
copy (insert into goods values (4, 'fig', 2, null) returning id) to stdout;
copy goods from stdin (format csv, header true);
id,label,price,note
5,"quoted, with comma",3.5,"two
lines"
6,"a ""quote""",,
\.
copy goods (label, id) from stdin with (delimiter ',');
seven,7
eight,8
\.
select * from goods where id > 4 order by id;
copy goods from stdin;
9	nine	9	n
1	taken	1	n
10	ten	1	n
\.
copy goods from stdin;
not a number	x	1	n
\.
copy goods from stdin;
11	too few
\.
copy goods from stdin;
11	too	1	many	columns
\.
copy goods from stdin;
\.
copy nothing_there from stdin;
copy goods (nothing) from stdin;
copy goods from stdin (format nonsense);
copy goods from stdin (format csv, delimiter 'too long');
copy goods to stdout (format csv, force_quote (nothing));
copy goods from '/no/such/file';
copy goods to '/no/such/file';
copy (select 1 / 0) to stdout;
copy (select 10 / (3 - n) from generate_series(1, 5) n) to stdout;
select count(*) from goods;
begin;
copy goods from stdin;
20	in	1	transaction
\.
select count(*) from goods;
rollback;
begin;
copy goods from stdin;
1	taken	1	n
\.
select 'failed now';
rollback;
select count(*) from goods;
begin;
savepoint s;
copy goods from stdin;
x
\.
rollback to s;
copy goods from stdin;
21	after	1	savepoint
\.
commit;
select id from goods where id > 20;
copy goods to stdout (format binary) \g /dev/null
create temp table staging (like goods);
copy staging from stdin;
1	a	1	a
1	a	1	a
\.
insert into goods select 100 + row_number() over (), label, price, note from staging returning id;
truncate staging;
begin;
create table frozen (id int);
copy frozen from stdin with (freeze);
1
2
\.
commit;
select sum(id) from frozen;
create view goods_view as select id, label from goods;
copy goods_view to stdout;
copy (select * from goods_view order by id limit 1) to stdout;
copy goods_view from stdin;
\copy goods to '/dev/null'
\copy (select id from goods order by id limit 2) to stdout csv
\copy goods (id, label) from stdin csv
30,thirty
31,thirty-one
\.
select id, label from goods where id between 30 and 31 order by id;
\copy nothing_there from '/dev/null'
copy goods from program 'false';
select 'after' \; copy (select 'copy in a text of several') to stdout \; select 'before';
create table big (n int, filler text);
insert into big select n, repeat('x', 90) from generate_series(1, 3000) n;
copy big to stdout \g /dev/null
select count(*), sum(length(filler)) from big;
copy big to stdout (format csv) \g | md5sum
copy (select * from big where n < 5 order by n) to stdout;
create function shout() returns trigger language plpgsql as $$ begin raise notice 'row %', new.id; new.label = upper(new.label); return new; end $$;
create trigger shouting before insert on goods for each row execute function shout();
copy goods (id, label) from stdin;
40	quiet
41	very quiet
\.
select label from goods where id >= 40 and id < 50 order by id;
drop trigger shouting on goods;
copy goods (id, label) from stdin with (format text, encoding 'LATIN1');
50	plain
\.
copy goods (id, label) from stdin where id % 2 = 0;
60	even
61	odd
\.
select id from goods where id >= 60 and id < 100;
set client_min_messages = debug1;
copy goods (id, label) to stdout;
reset client_min_messages;
