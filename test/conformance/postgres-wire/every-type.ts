/** One value of each common type. */
export const everyType = `select true, 1::int2, 2::int4, 3::int8, 1.5::float4, 2.5::float8, 12.50::numeric, 'NaN'::numeric, 'text', 'v'::varchar,
 'c'::char(3), 'n'::name, '\\x00ff'::bytea, date '2024-02-29', time '12:34:56.789', timetz '12:34+02', timestamp '2024-02-29 12:34',
 timestamptz '2024-02-29 12:34+00', interval '1 year 2 days 03:04', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, '{"a":1}'::json,
 '{"a":1}'::jsonb, '10.0.0.1/8'::inet, '10.0.0.0/8'::cidr, '08:00:2b:01:02:03'::macaddr, '(1,2)'::point, '((0,0),(1,1))'::polygon, b'101'::varbit,
 'a cat'::tsvector, 'a & b'::tsquery, array[1, null, 3], array[['a', 'b'], ['c', 'd']], int4range(1, 5), '{[1,2),[4,5)}'::int4multirange,
 row(1, 'x', null), 42::oid, '0/16'::pg_lsn, '1.23'::money, null::int, 'pg_class'::regclass = 1259, '$.a'::jsonpath, xid '3', '(1,2)'::tid`;
