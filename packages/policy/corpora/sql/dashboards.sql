SELECT floor(extract(epoch from "at")/60)*60 AS "time", avg(value) AS "value" FROM metrics WHERE "at" BETWEEN '2026-01-05T08:00:00Z' AND '2026-01-05T09:00:00Z' GROUP BY 1 ORDER BY 1;

SELECT floor(extract(epoch from "at")/300)*300 AS time, host AS metric, max(cpu) AS cpu FROM metrics WHERE extract(epoch from "at") >= 1767600000 AND extract(epoch from "at") <= 1767603600 AND host IN ('web-1','web-2') GROUP BY 1, host ORDER BY 1, 2;

SELECT at AS "time", value, host AS metric FROM metrics WHERE at BETWEEN to_timestamp(1767600000) AND to_timestamp(1767603600) ORDER BY 1;

SELECT DISTINCT host FROM metrics WHERE host ~ '^web' ORDER BY 1;

SELECT host AS __text, id AS __value FROM hosts ORDER BY 1;

SELECT count(*) AS value FROM alerts WHERE state = 'firing';

SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY latency) FROM requests WHERE at > now() - interval '5 minutes';

SELECT quote_ident(table_name) FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache') ORDER BY 1;

SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE quote_ident(table_name) = 'metrics';

SELECT current_setting('server_version_num')::int/100 AS version;

SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';

SELECT "source"."created_at" AS "created_at", SUM("source"."total") AS "sum" FROM (SELECT "public"."orders"."id" AS "id", CAST("public"."orders"."created_at" AS date) AS "created_at", "public"."orders"."total" AS "total" FROM "public"."orders") AS "source" GROUP BY "source"."created_at" ORDER BY "source"."created_at" ASC;

SELECT DATE_TRUNC('month', "public"."orders"."created_at") AS "created_at", "Products"."category" AS "Products__category", COUNT(*) AS "count" FROM "public"."orders" LEFT JOIN "public"."products" AS "Products" ON "public"."orders"."product_id" = "Products"."id" GROUP BY DATE_TRUNC('month', "public"."orders"."created_at"), "Products"."category" ORDER BY DATE_TRUNC('month', "public"."orders"."created_at") ASC, "Products"."category" ASC;

SELECT COUNT(*) AS "count" FROM "public"."orders" WHERE "public"."orders"."created_at" >= DATE_TRUNC('week', (NOW() + INTERVAL '-30 day')) AND "public"."orders"."created_at" < DATE_TRUNC('week', NOW());

SELECT SUBSTRING("public"."people"."email" FROM 1 FOR 1234) AS "email", CAST(EXTRACT(HOUR FROM "public"."people"."created_at") AS integer) AS "hour" FROM "public"."people" LIMIT 2000;

SELECT FLOOR(("public"."orders"."total" / 20.0)) * 20.0 AS "total", COUNT(*) AS "count" FROM "public"."orders" WHERE ("public"."orders"."total" IS NOT NULL) AND (LOWER("public"."orders"."note") LIKE '%gift%') GROUP BY 1 ORDER BY 1 ASC;

SELECT CASE WHEN COUNT(*) = 0 THEN NULL ELSE CAST(SUM(CASE WHEN "status" = 'paid' THEN 1 ELSE 0.0 END) AS double precision) / COUNT(*) END AS "share" FROM "public"."invoices";

SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type", "d"."description", NULLIF("stat"."n_live_tup", 0) AS "estimated_row_count" FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid" LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = 0) AND ("d"."classoid" = 'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE ("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ '^information_schema|catalog_history|pg_') AND ("c"."relkind" IN ('r', 'p', 'v', 'f', 'm')) ORDER BY "type" ASC, "schema" ASC, "name" ASC;

SELECT DATE_TRUNC('hour', at) AS __timestamp, count(*) AS "COUNT(*)" FROM public.logs WHERE at >= TO_TIMESTAMP('2026-01-05 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') AND at < TO_TIMESTAMP('2026-01-06 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') GROUP BY DATE_TRUNC('hour', at) ORDER BY "COUNT(*)" DESC LIMIT 1000;

SELECT gender AS gender, sum(num) AS sum__num FROM (SELECT * FROM births WHERE year > 2000) AS virtual_table GROUP BY gender ORDER BY sum__num DESC LIMIT 10000;

SELECT name AS name, sum(num) AS sum__num FROM births JOIN (SELECT name AS name__, sum(num) AS mme_inner__ FROM births GROUP BY name ORDER BY mme_inner__ DESC LIMIT 5) AS anon_1 ON name = name__ GROUP BY name;

SELECT orders.status AS "orders.status", COUNT(DISTINCT orders.id) AS "orders.count", COALESCE(SUM(CAST(orders.total AS DOUBLE PRECISION)), 0) AS "orders.total" FROM public.orders AS orders LEFT JOIN public.users AS users ON orders.user_id = users.id WHERE ((( orders.created_at ) >= ((SELECT (DATE_TRUNC('day', CURRENT_TIMESTAMP AT TIME ZONE 'UTC') + (-6 || ' day')::INTERVAL))))) GROUP BY 1 ORDER BY 2 DESC FETCH NEXT 500 ROWS ONLY;

WITH rollup_months AS (SELECT DATE(DATE_TRUNC('month', orders.created_at)) AS month FROM orders GROUP BY 1) SELECT month, (SELECT COUNT(*) FROM orders o WHERE DATE(DATE_TRUNC('month', o.created_at)) = month) AS n FROM rollup_months ORDER BY month DESC LIMIT 12;

SELECT time_bucket('5 minutes', at) AS "time", avg(value) FROM metrics WHERE at > now() - interval '1 day' GROUP BY 1 ORDER BY 1;
