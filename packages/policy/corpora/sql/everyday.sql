select 1;

select now();

select current_date, current_time, localtimestamp, current_user;

select * from orders;

select * from public.orders where id = 17;

select id, total from orders where created_at >= date '2026-01-01' and created_at < date '2026-02-01';

select count(*) from customers;

select count(distinct customer_id) from orders;

select * from orders order by created_at desc limit 50 offset 100;

select o.id, c.name, o.total from orders o join customers c on c.id = o.customer_id where o.status = 'open';

select c.* from customers c left join orders o on o.customer_id = c.id where o.id is null;

select customer_id, sum(total) as revenue from orders group by customer_id having sum(total) > 1000 order by revenue desc;

select name from customers where email like '%@example.com';

select name from customers where name ilike any (array['a%', 'b%']);

select * from products where price between 10 and 20 and not discontinued;

select * from products where category_id in (1, 2, 3) or tags && array['new', 'sale'];

select coalesce(nickname, name, 'unknown') as display from customers;

select upper(name), length(name), substring(name from 1 for 3), trim(both ' ' from name), name || '!' from customers;

select round(avg(total), 2), min(total), max(total), stddev_samp(total) from orders;

select case status when 'open' then 1 when 'paid' then 2 else 3 end as rank from orders;

select date_trunc('day', created_at) as day, count(*) from orders group by day order by day;

select extract(dow from created_at) as weekday, count(*) from orders group by 1 order by 1;

select to_char(created_at, 'YYYY-MM') as month, sum(total) from orders group by 1;

select age(now(), created_at), created_at + interval '30 days', created_at at time zone 'Europe/Berlin' from orders;

select id from orders where created_at > now() - interval '15 minutes';

select id from orders where total is not null and (total > 100 or priority);

select exists (select 1 from orders where customer_id = 5);

select (select count(*) from orders) as orders, (select count(*) from customers) as customers;

select * from (select id, rank() over (order by total desc) as r from orders) ranked where r <= 10;

with big as (select * from orders where total > 500) select c.name, count(*) from big join customers c on c.id = big.customer_id group by c.name;

select id from orders except select order_id from refunds;

select id from orders intersect select order_id from shipments;

select 'order' as kind, id from orders union all select 'refund', id from refunds order by id;

values (1, 'one'), (2, 'two');

table customers;

select * from orders where customer_id = (select id from customers where email = 'ann@example.com');

select * from orders where (customer_id, status) in (select id, 'open' from customers where vip);

select md5(email), encode(sha256(email::bytea), 'hex') from customers;

select gen_random_uuid(), random();

select cast('42' as integer), '3.14'::numeric(5, 2), '2026-01-01'::date, 'true'::boolean;

select null::text is null, 1 is distinct from null, nullif(1, 1), greatest(1, 2, 3), least(4, 5);

select string_to_array('a,b,c', ','), split_part('a-b-c', '-', 2), regexp_replace('abc', 'b', 'x'), left('abc', 2), right('abc', 2), lpad('7', 3, '0');

select position('b' in 'abc'), strpos('abc', 'c'), overlay('abcdef' placing 'xx' from 2 for 2), initcap('hello world'), reverse('abc'), repeat('ab', 3);

select ceil(1.2), floor(1.8), mod(7, 3), power(2, 10), sqrt(16), abs(-5), sign(-2), trunc(1.999, 2), width_bucket(5, 0, 10, 5);

select format('%s has %s orders', name, 3), concat_ws(', ', city, country) from customers;

select lower(email) as email, count(*) from customers group by lower(email) having count(*) > 1;

select * from orders tablesample bernoulli (1);

select distinct status from orders;

select id, total, sum(total) over (order by id) as running from orders;

select * from orders fetch first 5 rows only;

select o.id from only orders o;

select c.name, o.total from customers c cross join lateral (select total from orders where customer_id = c.id order by total desc limit 1) o;

copy (select id, total from orders where status = 'open') to stdout with (format csv, header);

copy customers (id, name) to stdout;

select * from "Order Items" where "order id" = 5;

select a.id from public.a natural join public.b;

select id from a join b using (id) where b.flag is true and a.kind not in ('x', 'y');

select sum(amount) filter (where kind = 'credit') - sum(amount) filter (where kind = 'debit') as balance from ledger where account = 7;

select bool_and(paid), bool_or(late), every(checked) from invoices;

select count(*) from orders where note ~* 'urgent|asap' and note !~ '^test';

select count(*) from orders where note similar to '(a|b)%';

select pg_typeof(total), total::money from orders limit 1;

select 0x1f, 1_000, 1e3, b'101', x'ff', e'tab\t', $tag$text$tag$;

select row(1, 'a'), (1, 2) < (1, 3), array[1, 2] || 3, array[[1, 2], [3, 4]];

select abalance from pgbench_accounts where aid = 4711;

select sum(abalance) from pgbench_accounts;

select id, name from customers where id = any ($1);

select id from customers where created_at >= $1 and created_at < $2 and region = $3 order by id limit $4;

select * from audit_log where actor = 'bob' and at > '2026-01-01' order by at desc limit 100;

select min(id), max(id) from events where at::date = current_date;

select department, percentile_cont(0.5) within group (order by salary) as median from employees group by department;

select e.name, m.name as manager from employees e left join employees m on m.id = e.manager_id;

select * from inventory where quantity < reorder_level order by quantity - reorder_level;

select count(*) from pg_catalog.pg_class;

select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname;

select uuid_generate_v4();
