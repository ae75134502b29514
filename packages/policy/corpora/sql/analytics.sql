with monthly as (
  select date_trunc('month', created_at) as month, customer_id, sum(total) as revenue from orders group by 1, 2
)
select month, customer_id, revenue, revenue - lag(revenue) over (partition by customer_id order by month) as change
from monthly order by month, customer_id;

with first_order as (select customer_id, min(created_at)::date as cohort from orders group by customer_id)
select cohort, count(distinct o.customer_id) filter (where o.created_at < f.cohort + 30) as retained_30, count(distinct o.customer_id) as all_customers
from first_order f join orders o using (customer_id) group by cohort order by cohort;

select day::date, coalesce(count(o.id), 0) as orders
from generate_series(date '2026-01-01', date '2026-01-31', interval '1 day') as day
left join orders o on o.created_at::date = day::date group by 1 order by 1;

select g, g * g as square from generate_series(1, 10) g;

select n, array_agg(m) from generate_series(1, 3) as n, lateral generate_series(1, n) as m group by n;

with recursive tree as (
  select id, parent_id, name, 1 as depth, array[id] as path from categories where parent_id is null
  union all
  select c.id, c.parent_id, c.name, t.depth + 1, t.path || c.id from categories c join tree t on t.id = c.parent_id
)
select repeat('  ', depth - 1) || name from tree order by path;

with recursive walk (node, hops) as (select 1, 0 union select e.target, hops + 1 from edges e join walk w on w.node = e.source where hops < 5)
cycle node set looped using visited
select node, min(hops) from walk group by node;

select product_id, month, total, rank() over w, dense_rank() over w, ntile(4) over w, percent_rank() over w, cume_dist() over w
from sales window w as (partition by month order by total desc);

select id, first_value(total) over (order by at), last_value(total) over (order by at rows between unbounded preceding and unbounded following), nth_value(total, 2) over (order by at) from orders;

select at, avg(value) over (order by at rows between 6 preceding and current row) as moving_average from metrics;

select at, sum(value) over (order by at range between interval '1 hour' preceding and current row exclude current row) from metrics;

select region, product, sum(amount) from sales group by rollup (region, product);

select region, product, sum(amount), grouping(region, product) from sales group by cube (region, product);

select region, product, sum(amount) from sales group by grouping sets ((region), (product), ());

select mode() within group (order by status), percentile_disc(array[0.25, 0.5, 0.75]) within group (order by total) from orders;

select corr(x, y), regr_slope(y, x), regr_intercept(y, x), covar_pop(x, y), variance(x) from samples;

select customer_id, string_agg(distinct sku, ', ' order by sku), array_agg(total order by created_at desc) from order_lines group by customer_id;

select date_bin('15 minutes', at, timestamp '2026-01-01') as slot, avg(value), max(value) from metrics group by slot order by slot;

select width_bucket(total, 0, 1000, 10) as bucket, count(*), int4range(min(total)::int, max(total)::int, '[]') from orders group by bucket;

select user_id, count(*) as sessions from (
  select user_id, at, sum(case when at - previous > interval '30 minutes' then 1 else 0 end) over (partition by user_id order by at) as session
  from (select user_id, at, lag(at) over (partition by user_id order by at) as previous from page_views) gaps
) numbered group by user_id;

select data ->> 'name' as name, (data -> 'address') ->> 'city' as city, data #>> '{tags,0}' as tag from profiles where data @> '{"active": true}';

select jsonb_object_keys(data) as key, count(*) from profiles group by 1;

select p.id, item ->> 'sku' as sku, (item ->> 'qty')::int as qty from purchases p, jsonb_array_elements(p.items) as item;

select id, key, value from settings, jsonb_each_text(settings.data);

select * from jsonb_to_recordset('[{"a": 1, "b": "x"}]') as t (a int, b text);

select x.a, x.b from documents d, jsonb_to_record(d.body) as x (a int, b text);

select jsonb_path_query_array(data, '$.items[*] ? (@.price > 10).name') from carts;

select jsonb_path_exists(data, '$.tags[*] ? (@ == "vip")') from profiles where data ? 'tags' and data ?| array['a', 'b'];

select jsonb_set(data, '{name}', '"x"'), data - 'secret', data || '{"seen": true}', jsonb_strip_nulls(data), jsonb_pretty(data) from profiles;

select json_agg(row_to_json(o)) from (select id, total from orders limit 10) o;

select json_build_object('id', id, 'lines', (select json_agg(l.*) from order_lines l where l.order_id = o.id)) from orders o;

select jsonb_object_agg(name, value order by name) from settings;

select jsonb_typeof(data), jsonb_array_length(data -> 'items') from carts;

select to_jsonb(c) - 'password_hash' from customers c;

select id, ts_headline('english', body, q) from articles, to_tsquery('english', 'postgres & replication') as q where search @@ q order by ts_rank_cd(search, q) desc limit 10;

select websearch_to_tsquery('english', '"hot standby" -windows'), phraseto_tsquery('simple', 'hot standby'), setweight(to_tsvector('title'), 'A') || to_tsvector('body');

select tags, cardinality(tags), array_length(tags, 1), tags[1], tags[2:3], array_position(tags, 'new'), array_remove(tags, 'old') from products;

select unnest(tags) as tag, count(*) from products group by tag order by 2 desc;

select p.id, t.tag, t.place from products p cross join lateral unnest(p.tags) with ordinality as t (tag, place);

select * from unnest(array[1, 2], array['a', 'b']) as pairs (n, s);

select id from products where 'sale' = any (tags) and tags @> array['new'] and not tags <@ array['a'];

select array(select id from orders order by id limit 5), array_to_string(array[1, null, 3], ',', '-');

select room, during from bookings where during && tstzrange('2026-01-05 09:00+00', '2026-01-05 10:00+00') and upper_inf(during) is false;

select lower(during), upper(during), isempty(during), during * tstzrange(now(), null), range_merge(during, during) from bookings;

select range_agg(during), range_intersect_agg(during) from bookings group by room;

select daterange(starts, ends, '[]') @> current_date from contracts;

select host(address), network(address), masklen(address), address << inet '10.0.0.0/8' from hosts;

select point(1, 2) <-> point(3, 4), box(point(0, 0), point(1, 1)) @> point(0.5, 0.5), circle(point(0, 0), 5);

select (xpath('/a/b/text()', payload))[1]::text from messages where payload is document;

select x.* from messages, xmltable('/rows/row' passing payload columns id int path '@id', name text path 'name' default 'none') x;

select xmlelement(name customer, xmlattributes(id as id), name), xmlforest(name, city), xmlagg(xmlelement(name c, name)) over () from customers;

select percentile_cont(0.95) within group (order by duration_ms) as p95, count(*) filter (where status >= 500) * 100.0 / count(*) as error_rate from requests where at > now() - interval '1 hour';

select a.day, a.visitors, b.signups, round(100.0 * b.signups / nullif(a.visitors, 0), 2) as rate from (select at::date as day, count(distinct visitor) as visitors from visits group by 1) a full outer join (select at::date as day, count(*) as signups from signups group by 1) b using (day);

select * from crosstab_source where (year, quarter) = (2026, 1);

select month, sum(amount) filter (where kind = 'new') as new, sum(amount) filter (where kind = 'churn') as churn, sum(sum(amount)) over (order by month) as running from mrr group by month;

select distinct on (device_id) device_id, at, value from readings order by device_id, at desc;

select t1.id from events t1 where not exists (select from events t2 where t2.user_id = t1.user_id and t2.at > t1.at);

with ranked as materialized (select *, row_number() over (partition by sku order by price) as n from offers) select sku, vendor, price from ranked where n = 1;

with a as (select 1 as x), b as (select x + 1 as y from a), c as (select y * 2 as z from b) select * from a, b, c;

select bit_count(b'1011'), get_bit(b'1011', 0), bit_and(flags), bit_or(flags) from features;

select make_date(2026, 1, 5), make_interval(days => 3), make_timestamptz(2026, 1, 5, 9, 0, 0), justify_interval('40 days'), date_part('week', now()), to_timestamp(1767600000);

select timestamptz '2026-01-05 09:00' at time zone 'America/New_York', timezone('UTC', now()), extract(isoyear from now()), isfinite(date 'infinity');

select regexp_match(line, '(\d+)ms'), regexp_matches(line, 'a', 'g'), regexp_split_to_array(line, '\s+'), regexp_count(line, 'x'), regexp_substr(line, '\w+') from logs;

select word, count(*) from logs, regexp_split_to_table(lower(line), '\W+') as word group by word order by 2 desc limit 20;

select translate(name, 'äöü', 'aou'), unistr('\0061'), normalize(name, nfc), ascii(name), chr(65), quote_literal(name), quote_ident(name), to_hex(255) from customers;

select sum(l.quantity * p.price)::numeric(12, 2) as revenue from order_lines l join products p on p.id = l.product_id join orders o on o.id = l.order_id where o.status = 'paid' and o.created_at >= date_trunc('quarter', current_date);

select l.returnflag, l.linestatus, sum(l.quantity) as sum_qty, sum(l.price * (1 - l.discount)) as sum_disc, avg(l.discount) as avg_disc, count(*) from lineitem l where l.shipdate <= date '2026-09-02' - interval '90 days' group by 1, 2 order by 1, 2;

select n.name, sum(l.price * (1 - l.discount)) as revenue from customer c, orders o, lineitem l, supplier s, nation n, region r where c.id = o.customer_id and l.order_id = o.id and l.supplier_id = s.id and c.nation_id = s.nation_id and s.nation_id = n.id and n.region_id = r.id and r.name = 'ASIA' group by n.name order by revenue desc;

select 100.0 * sum(case when p.type like 'PROMO%' then l.price else 0 end) / sum(l.price) as promo from lineitem l join part p on p.id = l.part_id;

select id, name, similarity(name, 'jonson') as score from customers order by score desc limit 10;

select s.id, s.name from shops s where st_dwithin(s.location, st_setsrid(st_makepoint(13.4, 52.5), 4326)::geography, 1000);

select json_value(body, '$.customer.id' returning int) as customer from messages;
