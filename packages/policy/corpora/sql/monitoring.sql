select pid, usename, datname, state, query_start, query from pg_stat_activity where state <> 'idle' order by query_start;

select pid, now() - xact_start as duration, query from pg_stat_activity where xact_start is not null order by duration desc limit 10;

select count(*), state from pg_stat_activity group by state;

select count(*) filter (where wait_event_type = 'Lock') as waiting, count(*) as total from pg_stat_activity where datname = current_database();

select a.pid, pg_blocking_pids(a.pid) as blocked_by, a.query from pg_stat_activity a where cardinality(pg_blocking_pids(a.pid)) > 0;

select blocked.pid as blocked_pid, blocking.pid as blocking_pid from pg_catalog.pg_locks blocked join pg_catalog.pg_locks blocking on blocking.locktype = blocked.locktype and blocking.relation is not distinct from blocked.relation and blocking.pid <> blocked.pid where not blocked.granted and blocking.granted;

select mode, count(*) from pg_locks where pid <> pg_backend_pid() group by mode;

select datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched, deadlocks, temp_bytes from pg_stat_database;

select round(100.0 * sum(blks_hit) / nullif(sum(blks_hit) + sum(blks_read), 0), 2) as hit_ratio from pg_stat_database;

select datname, pg_size_pretty(pg_database_size(datname)) from pg_database order by pg_database_size(datname) desc;

select schemaname, relname, pg_size_pretty(pg_total_relation_size(relid)) as total, pg_size_pretty(pg_relation_size(relid)) as heap, pg_size_pretty(pg_indexes_size(relid)) as indexes from pg_catalog.pg_statio_user_tables order by pg_total_relation_size(relid) desc limit 20;

select relname, n_live_tup, n_dead_tup, last_vacuum, last_autovacuum, last_analyze from pg_stat_user_tables where n_dead_tup > 1000 order by n_dead_tup desc;

select relname, round(n_dead_tup::numeric / nullif(n_live_tup, 0), 3) as dead_ratio from pg_stat_user_tables order by 2 desc nulls last limit 10;

select relname, seq_scan, idx_scan, case when seq_scan + idx_scan > 0 then 100 * idx_scan / (seq_scan + idx_scan) end as idx_pct from pg_stat_user_tables order by seq_scan desc;

select schemaname, relname, indexrelname, idx_scan, pg_size_pretty(pg_relation_size(indexrelid)) from pg_stat_user_indexes where idx_scan = 0 order by pg_relation_size(indexrelid) desc;

select indrelid::regclass as table_name, array_agg(indexrelid::regclass) as indexes from pg_index group by indrelid, indkey having count(*) > 1;

select indexrelid::regclass from pg_index where not indisvalid;

select c.oid::regclass, age(c.relfrozenxid), pg_size_pretty(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 't', 'm') and n.nspname not in ('pg_toast') order by 2 desc limit 20;

select datname, age(datfrozenxid), current_setting('autovacuum_freeze_max_age')::int as limit from pg_database order by 2 desc;

select name, setting, unit, source, pending_restart from pg_settings where source not in ('default', 'override');

show max_connections;

show all;

select current_setting('max_connections')::int - count(*) as free from pg_stat_activity;

select version(), pg_postmaster_start_time(), now() - pg_postmaster_start_time() as uptime, pg_conf_load_time();

select pg_is_in_recovery();

select application_name, client_addr, state, sync_state, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) as lag_bytes, write_lag, flush_lag, replay_lag from pg_stat_replication;

select now() - pg_last_xact_replay_timestamp() as delay, pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn();

select slot_name, plugin, slot_type, active, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) as retained from pg_replication_slots;

select extract(epoch from (now() - pg_last_xact_replay_timestamp()))::int as lag_seconds;

select * from pg_stat_bgwriter;

select archived_count, failed_count, last_archived_wal, last_archived_time from pg_stat_archiver;

select query, calls, round(total_exec_time::numeric, 1) as total_ms, round(mean_exec_time::numeric, 2) as mean_ms, rows from pg_stat_statements order by total_exec_time desc limit 20;

select queryid, left(query, 60), calls, shared_blks_hit, shared_blks_read, 100.0 * shared_blks_hit / nullif(shared_blks_hit + shared_blks_read, 0) as hit from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database());

select pid, phase, heap_blks_total, heap_blks_scanned, round(100.0 * heap_blks_scanned / nullif(heap_blks_total, 0), 1) as pct from pg_stat_progress_vacuum;

select pid, relid::regclass, phase, blocks_done, blocks_total from pg_stat_progress_create_index;

select usename, count(*) from pg_stat_activity group by usename order by 2 desc;

select rolname, rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolconnlimit, rolvaliduntil from pg_roles order by rolname;

select grantee, table_schema, table_name, string_agg(privilege_type, ', ' order by privilege_type) from information_schema.role_table_grants where grantee = 'app' group by 1, 2, 3;

select has_table_privilege('app', 'public.orders', 'select'), has_schema_privilege('app', 'public', 'usage'), has_database_privilege('app', current_database(), 'connect');

select r.rolname as role, m.rolname as member from pg_auth_members a join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member;

select table_schema, table_name, table_type from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2;

select column_name, data_type, is_nullable, column_default, character_maximum_length from information_schema.columns where table_schema = 'public' and table_name = 'orders' order by ordinal_position;

select tc.constraint_name, kcu.column_name, ccu.table_name as foreign_table from information_schema.table_constraints tc join information_schema.key_column_usage kcu using (constraint_name, constraint_schema) join information_schema.constraint_column_usage ccu using (constraint_name, constraint_schema) where tc.constraint_type = 'FOREIGN KEY' and tc.table_name = 'orders';

select conname, contype, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'public.orders'::regclass;

select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = 'orders';

select pg_get_viewdef('public.big_orders'::regclass, true);

select proname, pg_get_function_arguments(oid), pg_get_function_result(oid), provolatile from pg_proc where pronamespace = 'public'::regnamespace;

select pg_get_functiondef('public.total(int)'::regprocedure);

select tgname, pg_get_triggerdef(oid) from pg_trigger where tgrelid = 'orders'::regclass and not tgisinternal;

select extname, extversion from pg_extension;

select name, default_version, installed_version from pg_available_extensions where installed_version is not null;

select e.enumlabel from pg_enum e join pg_type t on t.oid = e.enumtypid where t.typname = 'order_status' order by e.enumsortorder;

select sequencename, last_value, max_value, round(100.0 * last_value / max_value, 2) as pct from pg_sequences;

select last_value, is_called from public.orders_id_seq;

select inhrelid::regclass as partition, pg_get_expr(c.relpartbound, c.oid) from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'events'::regclass;

select * from pg_partition_tree('events');

select relid, parentrelid, level from pg_partition_tree('events') where isleaf;

select attname, n_distinct, null_frac, avg_width, correlation from pg_stats where tablename = 'orders';

select reltuples::bigint as estimate from pg_class where oid = 'public.orders'::regclass;

select spcname, pg_size_pretty(pg_tablespace_size(oid)) from pg_tablespace;

select obj_description('public.orders'::regclass), col_description('public.orders'::regclass, 1);

select gid, prepared, owner, database from pg_prepared_xacts;

select line_number, type, database, user_name, address, auth_method from pg_hba_file_rules;

select sum(heap_blks_hit) / nullif(sum(heap_blks_hit) + sum(heap_blks_read), 0)::float as ratio from pg_statio_user_tables;

select txid_current_if_assigned(), pg_current_snapshot(), pg_snapshot_xmin(pg_current_snapshot());

select pubname, schemaname, tablename from pg_publication_tables;

select subname, received_lsn, latest_end_time from pg_stat_subscription;

select inet_server_addr(), inet_server_port(), inet_client_addr(), current_user, session_user, current_database();

select backend_type, count(*) from pg_stat_activity group by 1;

select * from pg_stat_ssl where pid = pg_backend_pid();

explain select * from orders where customer_id = 42;

explain (format json, costs on, verbose) select o.id from orders o join customers c on c.id = o.customer_id where c.name = 'ann';

explain (analyze, buffers) select count(*) from orders where created_at > now() - interval '1 day';
