-- Every type in its own notation, and the settings that change how values are written.
select true, false, null::bool, 'yes'::bool, not true;
select 32767::int2, (-32768)::int2, 2147483647, -2147483648, 9223372036854775807, (-9223372036854775808)::int8;
select 1.5::float4, 1e38::float4, 'NaN'::float4, 'Infinity'::float8, '-Infinity'::float8, 0.1::float8 + 0.2::float8, 1e-300::float8;
select 0::numeric, 1.10::numeric(10, 4), 'NaN'::numeric, 'Infinity'::numeric, 123456789012345678901234567890.123456789::numeric, 1e-20::numeric;
select 12.34::money, '-5'::money;
select 'a'::char, 'ab'::char(4), 'abc'::varchar(2), 'text'::text, 'name'::name, 'c'::"char", ''::text;
select '\x00ff10'::bytea, ''::bytea, decode('DEADBEEF', 'hex'), 'abc'::bytea;
set bytea_output = 'escape';
select '\x00ff10'::bytea, 'abc'::bytea, '\x5c'::bytea;
set bytea_output = 'hex';
select date '2024-02-29', date '0044-03-15 BC', date 'infinity', date '-infinity';
select time '13:14:15.678901', time '24:00', timetz '13:14:15+02', time(2) '01:02:03.456';
select timestamp '2024-02-29 12:34:56.789', timestamp 'infinity', timestamp '0001-01-01 00:00 BC', timestamp(0) '2024-02-29 12:34:56.789';
set timezone = 'UTC';
select timestamptz '2024-06-01 12:00+00', timestamptz 'infinity';
set timezone = 'Europe/Oslo';
select timestamptz '2024-06-01 12:00+00', timestamptz '2024-12-01 12:00+00';
set time zone -3.5;
select timestamptz '2024-06-01 12:00+00';
set time zone interval '-08:00' hour to minute;
select timestamptz '2024-06-01 12:00+00';
set timezone = 'UTC';
set datestyle = 'SQL, DMY';
select date '2024-02-29', timestamp '2024-02-29 12:34:56.789', timestamptz '2024-06-01 12:00+00';
set datestyle = 'Postgres, MDY';
select date '2024-02-29', timestamp '2024-02-29 12:34:56.789', timestamptz '2024-06-01 12:00+00';
set datestyle = 'German';
select date '2024-02-29', timestamp '2024-02-29 12:34:56.789', timestamptz '2024-06-01 12:00+00';
set datestyle = 'ISO, MDY';
select interval '1 year 2 months 3 days 04:05:06.7', interval '-1 day', interval '0', interval 'P1Y2M';
set intervalstyle = 'iso_8601';
select interval '1 year 2 months 3 days 04:05:06.7';
set intervalstyle = 'sql_standard';
select interval '1 year 2 months 3 days 04:05:06.7';
set intervalstyle = 'postgres_verbose';
select interval '1 year 2 months 3 days 04:05:06.7', interval '0';
reset intervalstyle;
set extra_float_digits = 0;
select 0.1::float8 + 0.2::float8, 1::float4 / 3;
set extra_float_digits = 3;
select 0.1::float8 + 0.2::float8, 1::float4 / 3;
reset extra_float_digits;
select 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid;
select '{"b":1, "a":[true,null,1.50,"\u00e9"]}'::json, '{"b":1, "a":[true,null,1.50,"\u00e9"]}'::jsonb, 'null'::jsonb, '"x"'::json;
select '$.a[*] ? (@ > 1)'::jsonpath;
select '10.0.0.1/24'::inet, '10.0.0.0/24'::cidr, '::1'::inet, '08:00:2b:01:02:03'::macaddr, '08:00:2b:01:02:03:04:05'::macaddr8;
select '(1,2)'::point, '[(0,0),(1,1)]'::lseg, '{1,2,3}'::line, '(3,4),(1,2)'::box, '((0,0),(1,1),(2,0))'::path, '[(0,0),(1,1)]'::path, '((0,0),(1,1),(2,0))'::polygon, '<(0,0),5>'::circle;
select b'10110', b'101'::bit(5), b'1'::varbit, x'1F';
select 'a fat cat'::tsvector, 'fat & (rat | cat:*)'::tsquery, to_tsvector('simple', 'The Cat sat'), to_tsquery('simple', 'cat & !dog');
select array[1, 2, 3], array[[1, 2], [3, 4]], '{}'::int[], array['a b', 'c"d', null, 'NULL', '', 'x,y', '\'], '[0:1]={5,6}'::int[];
select array[true, false], array[1.5, 2.5], array[date '2024-01-01'], array['\x01'::bytea], array['{"a":1}'::jsonb];
select int4range(1, 10), int8range(1, null, '[]'), numrange(1.5, 2.5, '()'), 'empty'::int4range, daterange('2024-01-01', '2024-02-01'), tsrange('2024-01-01', null), tstzrange(null, null);
select '{[1,3),[5,7)}'::int4multirange, int4multirange(), range_agg(r) from (values (int4range(1, 3)), (int4range(2, 5))) v (r);
select row(1, 'a b', null, row(2, true)), row(), row(null);
select 'pg_class'::regclass, 'int4'::regtype, 'now'::regproc, 'lower(text)'::regprocedure, '+(int4,int4)'::regoperator, 'pg_catalog'::regnamespace, 'simple'::regconfig, '"C"'::regcollation;
select 123::oid, '(0,1)'::tid, '0/16B3748'::pg_lsn, '10:20:10,14,15'::pg_snapshot, '17'::xid, '18'::xid8, '1'::cid, '1 2 3'::int2vector, '4 5'::oidvector;
create type mood as enum ('sad', 'ok', 'very happy');
create type pair as (a int, b text);
create domain positive as int check (value > 0);
create domain short as varchar(5) not null;
create type span as range (subtype = float8, multirange_type_name = span_multirange);
select 'ok'::mood, enum_range(null::mood), 'sad'::mood < 'ok'::mood, array['ok', 'sad']::mood[];
select (1, 'x')::pair, ((1, 'x')::pair).b, array[(1, 'x,y')::pair, null];
select 5::positive, 'abc'::short, span(1.5, 2.5), '{[1,2),[3,4]}'::span_multirange;
select (-5)::positive;
select 'toolong'::short;
select 'glad'::mood;
create table every_type (b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, t text, v varchar(10), c char(3), y bytea, d date, tm time, tz timetz, ts timestamp, tt timestamptz, iv interval, u uuid, j json, jb jsonb, ip inet, p point, bits varbit, ts_v tsvector, ai int[], at text[], r int4range, mr int4multirange, m mood, pr pair, dm positive);
insert into every_type values (true, 1, 2, 3, 4.5, 5.5, 6.60, 'text', 'varchar', 'ch', '\xabcd', '2024-01-02', '03:04', '05:06+07', '2024-01-02 03:04', '2024-01-02 03:04+00', '1 day', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '{"a": 1}', '1.2.3.4', '(1,2)', b'101', 'cat', '{1,2}', '{a,NULL}', '[1,5)', '{[1,5)}', 'ok', '(1,x)', 7);
insert into every_type default values;
select * from every_type;
\x on
select * from every_type;
\x off
select every_type from every_type;
select to_jsonb(e) from every_type e;
select pg_typeof(1), pg_typeof('x'), pg_typeof(null), pg_typeof(1.0), pg_typeof(array[1]), pg_typeof(row(1));
select cast('12' as int), '12'::int + 1, text '12' || 'x', float8 '1e3', bool 't', interval '1' day, date 'epoch';
select 1::text || 2, 7 / 2, 7 % 3, 7.0 / 2, 2 ^ 10, |/ 16, @ -5, 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4;
select to_char(1234567.891, 'FM9G999G999D00'), to_char(timestamp '2024-02-29 12:34', 'Day DD Month YYYY'), to_number('1,234', '9,999'), to_date('29 02 2024', 'DD MM YYYY');
select age(timestamp '2024-03-01', timestamp '2023-01-15'), date_trunc('month', timestamp '2024-02-29'), extract(epoch from interval '1 day'), date_part('dow', date '2024-02-29'), timestamp '2024-01-31' + interval '1 month';
select 'x' is distinct from null, null is null, row(1, 2) < row(1, 3), 1 = any (array[1, 2]), 1 <> all (array[2]);
select length('日本'), octet_length('日本'), upper('straße'), reverse('abc'), lpad('7', 3, '0'), substring('abcdef' from 2 for 3), position('c' in 'abc'), overlay('abc' placing 'X' from 2), trim(both 'x' from 'xax'), split_part('a,b', ',', 2), format('%s %I %L', 1, 'a b', 'it''s'), md5('x'), encode('abc', 'base64'), ascii('A'), chr(233), repeat('ab', 3), translate('abc', 'ab', 'xy'), initcap('two words');
select repeat('long ', 300);
select * from (values (1, 'right'), (200, 'left')) as t (number, "text");
select xmin is not null from customer limit 1;
\pset null '(null)'
select null, '', ' ';
\pset format unaligned
select * from customer where id < 3 order by id;
\pset format csv
select id, tags, spec from item where id < 3 order by id;
\pset format html
select 1 as "<b>", '&' as amp;
\pset format asciidoc
select 1 as a, '|' as b;
\pset format latex
select 1 as a, '_' as b;
\pset format wrapped
\pset columns 40
select repeat('wrapped ', 12) as text;
\pset format aligned
\pset null ''
\pset border 2
select 1 as a, null as b;
\pset border 1
\t on
select 'tuples only';
\t off
\a
select 1 as a, 2 as b;
\a
