SELECT "public"."User"."id", "public"."User"."email", "public"."User"."name" FROM "public"."User" WHERE ("public"."User"."email" = $1 AND 1=1) LIMIT $2 OFFSET $3;

SELECT "public"."User"."id", "public"."User"."createdAt" FROM "public"."User" WHERE 1=1 ORDER BY "public"."User"."createdAt" DESC LIMIT $1 OFFSET $2;

SELECT "public"."Post"."id", "public"."Post"."title", "public"."Post"."authorId" FROM "public"."Post" WHERE "public"."Post"."authorId" IN ($1,$2,$3) OFFSET $4;

SELECT COUNT(*) FROM (SELECT "public"."Post"."id" FROM "public"."Post" WHERE "public"."Post"."published" = $1 OFFSET $2) AS "sub";

SELECT COUNT(*) AS "_count$_all", SUM("total") AS "_sum$total" FROM (SELECT "public"."Order"."id", "public"."Order"."total" FROM "public"."Order" WHERE 1=1 OFFSET $1) AS "sub";

SELECT "t0"."id", "t0"."title", "User_1"."__prisma_data__" AS "author" FROM "public"."Post" AS "t0" LEFT JOIN LATERAL (SELECT JSONB_BUILD_OBJECT('id', "t1"."id", 'email', "t1"."email") AS "__prisma_data__" FROM "public"."User" AS "t1" WHERE "t0"."authorId" = "t1"."id" LIMIT $1) AS "User_1" ON TRUE;

SELECT "t0"."id", COALESCE("posts_1"."__prisma_data__", '[]'::jsonb) AS "posts" FROM "public"."User" AS "t0" LEFT JOIN LATERAL (SELECT JSONB_AGG("__prisma_data__") AS "__prisma_data__" FROM (SELECT "t4"."__prisma_data__" FROM (SELECT JSONB_BUILD_OBJECT('id', "t3"."id", 'title', "t3"."title") AS "__prisma_data__" FROM (SELECT "t2".* FROM "public"."Post" AS "t2" WHERE "t0"."id" = "t2"."authorId") AS "t3") AS "t4") AS "t5") AS "posts_1" ON TRUE LIMIT $1;

SELECT "public"."Account"."id", "public"."Account"."status"::text FROM "public"."Account" WHERE ("public"."Account"."deletedAt" IS NULL AND "public"."Account"."balance" >= $1) ORDER BY "public"."Account"."id" ASC LIMIT $2 OFFSET $3;

SELECT "public"."Tag"."id" FROM "public"."Tag" WHERE ("public"."Tag"."id") IN (SELECT "t1"."B" FROM "public"."_PostToTag" AS "t1" INNER JOIN "public"."Post" AS "j1" ON ("j1"."id") = ("t1"."A") WHERE ("j1"."published" = $1 AND "t1"."B" IS NOT NULL)) OFFSET $2;

SELECT "public"."User"."id" FROM "public"."User" WHERE "public"."User"."email" ILIKE $1 OFFSET $2;

SELECT "public"."User"."role"::text, COUNT(*) FROM "public"."User" GROUP BY "public"."User"."role" HAVING COUNT(*) > $1;

select "id", "name", "email" from "users" where "users"."id" = $1;

select "users"."id", "users"."name", "posts"."id", "posts"."title" from "users" left join "posts" on "users"."id" = "posts"."author_id" where ("users"."active" = $1 and "posts"."created_at" > $2) order by "posts"."created_at" desc limit $3;

select "users"."id", "users"."name", "users_posts"."data" as "posts" from "users" "users" left join lateral (select coalesce(json_agg(json_build_array("users_posts"."id", "users_posts"."title")), '[]'::json) as "data" from "posts" "users_posts" where "users_posts"."author_id" = "users"."id") "users_posts" on true where "users"."id" = $1;

select count(*) from "orders" where "orders"."status" in ($1, $2);

select "id", "total" from "orders" where exists (select 1 from "order_items" where "order_items"."order_id" = "orders"."id");

with "recent" as (select "id", "customer_id" from "orders" where "created_at" > $1) select "customer_id", count("id") from "recent" group by "customer_id";

select distinct on ("user_id") "user_id", "created_at" from "logins" order by "user_id", "created_at" desc;

(select "id" from "a" where "x" = $1) union all (select "id" from "b" where "x" = $2) limit $3;

select "id", (select count(*) from "comments" where "comments"."post_id" = "posts"."id") as "comments" from "posts" where "posts"."id" between $1 and $2;

SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email FROM users WHERE users.id = $1;

SELECT users.id, users.name FROM users WHERE users.name = $1::VARCHAR LIMIT $2::INTEGER;

SELECT anon_1.users_id, anon_1.users_name, addresses_1.id AS addresses_1_id FROM (SELECT users.id AS users_id, users.name AS users_name FROM users ORDER BY users.id LIMIT $1::INTEGER) AS anon_1 LEFT OUTER JOIN addresses AS addresses_1 ON anon_1.users_id = addresses_1.user_id ORDER BY anon_1.users_id;

SELECT orders.id, orders.total FROM orders WHERE orders.created_at >= $1::TIMESTAMP WITH TIME ZONE AND orders.status IN ($2::VARCHAR, $3::VARCHAR);

SELECT count(*) AS count_1 FROM (SELECT users.id AS users_id FROM users WHERE users.active IS true) AS anon_1;

SELECT EXISTS (SELECT 1 FROM users WHERE users.email = $1::VARCHAR) AS anon_1;

SELECT users.id, array_agg(roles.name ORDER BY roles.name) AS array_agg_1 FROM users JOIN user_roles ON users.id = user_roles.user_id JOIN roles ON roles.id = user_roles.role_id GROUP BY users.id;

SELECT parts.part, parts.sub_part, parts.quantity FROM parts WHERE parts.part = $1::VARCHAR UNION ALL SELECT a.part, a.sub_part, a.quantity FROM parts AS a;

WITH RECURSIVE included_parts(sub_part, part, quantity) AS (SELECT parts.sub_part, parts.part, parts.quantity FROM parts WHERE parts.part = $1::VARCHAR UNION ALL SELECT parts_alias.sub_part, parts_alias.part, parts_alias.quantity FROM parts AS parts_alias, included_parts AS pr WHERE parts_alias.part = pr.sub_part) SELECT included_parts.sub_part, sum(included_parts.quantity) AS total_quantity FROM included_parts GROUP BY included_parts.sub_part;

SELECT documents.id, documents.data ->> $1::TEXT AS anon_1 FROM documents WHERE (documents.data -> $2::TEXT) @> CAST($3::JSONB AS JSONB);

SELECT events.id, row_number() OVER (PARTITION BY events.user_id ORDER BY events.at DESC) AS rn FROM events;

SELECT CAST(events.at AS DATE) AS day, count(events.id) AS n FROM events GROUP BY CAST(events.at AS DATE);

select pg_catalog.version();

select current_schema();

show standard_conforming_strings;

SELECT t.oid, typarray FROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid WHERE typname = 'hstore';

SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = $1::VARCHAR AND pg_catalog.pg_class.relkind = ANY (ARRAY[$2::VARCHAR, $3::VARCHAR, $4::VARCHAR]) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != $5::VARCHAR;

SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2;

SELECT "users".* FROM "users" WHERE "users"."email" = $1 ORDER BY "users"."id" ASC LIMIT $2;

SELECT "posts".* FROM "posts" INNER JOIN "users" ON "users"."id" = "posts"."user_id" WHERE "users"."active" = TRUE AND "posts"."published_at" IS NOT NULL ORDER BY posts.published_at DESC;

SELECT 1 AS one FROM "users" WHERE "users"."email" = $1 LIMIT $2;

SELECT COUNT(*) FROM "comments" WHERE "comments"."post_id" = $1;

SELECT COUNT(DISTINCT "posts"."user_id") FROM "posts" WHERE "posts"."created_at" BETWEEN $1 AND $2;

SELECT "posts"."user_id", SUM("posts"."views") AS sum_views FROM "posts" GROUP BY "posts"."user_id" HAVING (SUM(posts.views) > 100);

SELECT "users"."id" FROM "users" WHERE "users"."type" = $1 AND NOT EXISTS (SELECT 1 FROM "bans" WHERE "bans"."user_id" = "users"."id");

SELECT "posts".*, ts_rank(to_tsvector('english', posts.body), plainto_tsquery('english', 'rails')) AS rank FROM "posts" WHERE to_tsvector('english', posts.body) @@ plainto_tsquery('english', 'rails') ORDER BY rank DESC LIMIT 20;

SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment, attidentity AS identity, attgenerated as attgenerated FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum LEFT JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation WHERE a.attrelid = '"users"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;

SELECT t.typname, t.oid, t.typarray FROM pg_type as t WHERE t.typname IN ('int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric', 'bool', 'timestamp', 'timestamptz');

SELECT c.relname FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (current_schemas(false)) AND c.relkind IN ('r','v','m','p','f');

SELECT "auth_user"."id", "auth_user"."username", "auth_user"."is_active" FROM "auth_user" WHERE UPPER("auth_user"."username"::text) = UPPER($1) LIMIT 21;

SELECT COUNT(*) AS "__count" FROM "shop_order" WHERE ("shop_order"."created" >= '2026-01-01T00:00:00+00:00'::timestamptz AND NOT ("shop_order"."status" = 'void'));

SELECT "shop_order"."id", (SELECT U0."amount" FROM "shop_payment" U0 WHERE U0."order_id" = ("shop_order"."id") ORDER BY U0."id" DESC LIMIT 1) AS "last_payment" FROM "shop_order" ORDER BY "shop_order"."id" ASC LIMIT 100;

SELECT DATE_TRUNC('month', "shop_order"."created" AT TIME ZONE 'UTC') AS "month", SUM("shop_order"."total") AS "sum" FROM "shop_order" GROUP BY 1 ORDER BY 1 ASC;

SELECT (EXTRACT('year' FROM "shop_order"."created" AT TIME ZONE 'UTC')) AS "y", AVG("shop_order"."total") AS "avg" FROM "shop_order" GROUP BY 1;

SELECT CASE WHEN "shop_item"."stock" > 10 THEN 'ok' WHEN "shop_item"."stock" > 0 THEN 'low' ELSE 'out' END AS "level", COUNT("shop_item"."id") FROM "shop_item" GROUP BY 1;

select u1_0.id, u1_0.email, u1_0.name from users u1_0 where u1_0.id = $1;

select o1_0.id, o1_0.total, c1_0.id, c1_0.name from orders o1_0 join customers c1_0 on c1_0.id = o1_0.customer_id where o1_0.status = $1 order by o1_0.id offset $2 rows fetch first $3 rows only;

select count(p1_0.id) from products p1_0 where lower(p1_0.name) like $1 escape '';

select p1_0.id from products p1_0 where p1_0.price between $1 and $2 and p1_0.category_id in (select c1_0.id from categories c1_0 where c1_0.active);

SELECT "e"."Id", "e"."Name", t."Id" AS "OrderId" FROM "Employees" AS "e" LEFT JOIN (SELECT o."Id", o."EmployeeId" FROM "Orders" AS o WHERE o."Total" > 100.0) AS t ON "e"."Id" = t."EmployeeId" ORDER BY "e"."Id" NULLS FIRST;

SELECT "e"."Id" FROM "Employees" AS "e" WHERE "e"."Id" = ANY ($1) OR "e"."Name" LIKE 'A%' ESCAPE '\';

SELECT COALESCE(MAX("e"."Salary"), 0.0)::double precision FROM "Employees" AS "e";

SELECT EXISTS (SELECT 1 FROM "Employees" AS "e" WHERE "e"."ManagerId" IS NULL);


SELECT "public"."User"."id" FROM "public"."User" WHERE "public"."User"."role" = CAST($1::text AS "public"."Role") OFFSET $2;

SELECT accounts.id FROM accounts WHERE accounts.status = $1::account_status ORDER BY accounts.id;
