import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifyText } from "../../packages/policy/src/facts/postgres/classify.ts";
import type { SqlFacts } from "../../packages/policy/src/facts/postgres/definition.ts";
import { loadParser } from "../../packages/policy/src/facts/postgres/parser.ts";
import { CountersignError } from "../../packages/policy/src/outcome.ts";
import { installedPostgres, type PostgresServer, type PostgresVersion, startPostgres } from "../harness/postgres.ts";
import { Choices, Statements } from "./sql-facts-statements.ts";

/** How many statements are made for each server, and from what; a failure names the statement, which is enough to run it alone. */
const count = 2500;
const seed = 20_260_105;

const columns = "id int primary key, name text, n int";
const world = [
  "create schema app",
  ...["public.item", "app.item", 'app."We.ird"', "public.scratch", "app.secret", "app.audit"].map(
    (table) => `create table ${table} (${columns})`,
  ),
  "create table public.orders (id serial primary key, name text, n int)",
  "create table app.line (id int primary key references app.item on delete cascade, name text, n int)",
  "create table app.part (id int primary key, name text, n int) partition by range (id)",
  "create table app.part1 partition of app.part for values from (0) to (4)",
  "create table app.part2 partition of app.part default",
  ...["public.item", "app.item", "public.orders", 'app."We.ird"', "app.line", "app.part", "public.scratch", "app.secret"].map(
    (table) => `insert into ${table} select g, 'name ' || g, g from generate_series(1, 6) g`,
  ),
  "create sequence app.numbers",
  "create view app.summary as select id, name, n from public.orders",
  "create materialized view public.stock as select id, name, n from app.item",
  "create function public.touch() returns int language sql as 'insert into app.audit values (1); select 1'",
  "create function app.peek() returns text language sql stable as 'select name from app.secret limit 1'",
  "create function app.nothing() returns trigger language plpgsql as 'begin return new; end'",
];

/** What is reached through something that the statement names: a view's table, partitions, both sides of a foreign key, a function's body. */
const behind: Readonly<Record<string, readonly string[]>> = {
  "app.summary": ["public.orders"],
  "public.stock": ["app.item"],
  "app.part": ["app.part1", "app.part2"],
  "app.line": ["app.item"],
  "app.item": ["app.line"],
  "public.touch": ["app.audit"],
  "app.peek": ["app.secret"],
  query_to_xml: ["app.secret"],
  table_to_xml: ["app.secret"],
};

/** What a transaction has done so far, as the server tells. */
interface Traces {
  readonly transactionId: string | null;
  readonly locked: readonly { readonly name: string; readonly mode: string }[];
  /** Rows that were inserted, updated or deleted, by table; they also count those of transactions just before. */
  readonly rows: Readonly<Record<string, number>>;
  readonly advisory: number;
  readonly state: string;
}

const name = `case when n.nspname ~ '[."]' then quote_ident(n.nspname) else n.nspname end || '.' ||
  case when c.relname ~ '[."]' then '"' || replace(c.relname, '"', '""') || '"' else c.relname end`;
const namedTables = `select c.oid, ${name} as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname in ('app', 'public')`;
/** What outlives a transaction: sequences, settings of the session, cursors, prepared statements, channels. */
const state = `concat_ws(' ', (select last_value || ' ' || is_called from app.numbers), (select last_value from public.orders_id_seq),
  current_setting('work_mem'), current_setting('search_path'), (select count(*) from pg_cursors where name <> ''),
  (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels()))`;
const tracesQuery = `
  with locks as materialized (select * from pg_locks where pid = pg_backend_pid()),
  stats as materialized (select relid, n_tup_ins + n_tup_upd + n_tup_del as rows from pg_stat_xact_user_tables),
  named as (${namedTables})
  select json_build_object(
    'transactionId', pg_current_xact_id_if_assigned()::text,
    'locked', (select coalesce(json_agg(json_build_object('name', name, 'mode', mode)), '[]') from locks join named on oid = relation),
    'rows', (select coalesce(json_object_agg(name, rows), '{}') from stats join named on oid = relid where rows > 0),
    'advisory', (select count(*) from locks where locktype = 'advisory'),
    'state', ${state}) as traces`;

describe.each<PostgresVersion>(["installed", "newest"])("PostgreSQL (%s)", (version) => {
  const missing = version === "installed" && installedPostgres() === undefined;
  let server: PostgresServer;
  let client: pg.Client;

  beforeAll(async () => {
    if (missing) return;
    await loadParser();
    server = await startPostgres({ version, sql: world, configuration: { fsync: "off" } });
    client = new pg.Client({ ...server.connection(), options: "-c search_path=app,public -c statement_timeout=2s" });
    await client.connect();
  });

  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  test.skipIf(missing)(
    "pg-walk: what a statement touches is in its facts, and what is called readOnly changes nothing",
    async () => {
      const statements = new Statements(new Choices(seed));
      const met = { run: 0, valid: 0, readOnly: 0, opaque: 0, wrote: 0, refused: 0 };
      for (let index = 0; index < count; index++) {
        const statement = statements.statement();
        const facts = factsOf(statement);
        if (facts === undefined) {
          met.refused++;
          continue;
        }
        met.run++;
        const { before, after } = await tracesOf(client, statement, facts.kinds.includes("DECLARE CURSOR"));
        if (after === undefined) continue;
        met.valid++;
        met.readOnly += Number(facts.readOnly);
        met.opaque += Number(facts.opaque);
        met.wrote += Number(writtenTables(before, after).length > 0);
        expect(problems(facts, before, after), `${statement}\n${JSON.stringify(facts)}`).toEqual([]);
      }
      console.info(`PostgreSQL ${await server.version()}: ${JSON.stringify({ made: count, ...met })}`);
      expect(met.valid).toBeGreaterThan(count * 0.6);
      expect(met.readOnly).toBeGreaterThan(count * 0.2);
      expect(met.wrote).toBeGreaterThan(count * 0.1);
    },
    120_000,
  );
});

function factsOf(statement: string): SqlFacts | undefined {
  try {
    return classifyText(statement, ["app", "public"]).facts;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

/** Runs a statement in a transaction that is rolled back; without `after` when the server does not accept it. */
async function tracesOf(
  client: pg.Client,
  statement: string,
  isCursor: boolean,
): Promise<{ readonly before: Traces; readonly after?: Traces }> {
  // In a transaction of its own, for setval takes a transaction id. Then currval() has a value as well.
  await client.query("select setval('app.numbers', 7)");
  await client.query("begin");
  const before = await lookAt(client);
  try {
    await client.query(statement);
    // A cursor's query runs when rows are fetched.
    if (isCursor) await client.query("fetch all from c");
    return { before, after: await lookAt(client) };
  } catch (error) {
    if (error instanceof pg.DatabaseError) return { before };
    throw error;
  } finally {
    await client.query("rollback");
    await client.query("discard all");
  }
}

async function lookAt(client: pg.Client): Promise<Traces> {
  const { rows } = await client.query<{ traces: Traces }>(tracesQuery);
  if (rows[0] === undefined) throw new Error("The server gave no traces");
  return rows[0].traces;
}

function writtenTables(before: Traces, after: Traces): string[] {
  return Object.keys(after.rows).filter((table) => after.rows[table] !== before.rows[table]);
}

/** What the facts do not tell. */
function problems(sql: SqlFacts, before: Traces, traces: Traces): string[] {
  const found: string[] = [];
  const written = writtenTables(before, traces);
  const known = withBehind([...sql.tables, ...sql.functions]);
  for (const lock of traces.locked) if (!known.has(lock.name)) found.push(`${lock.name} is touched, but not in tables`);
  const writable = withBehind([...sql.writesTo, ...sql.functions]);
  for (const table of written) if (!writable.has(table)) found.push(`${table} is written to, but not in writesTo`);
  if (written.length > 0 && !sql.writes && !sql.ddl) found.push("it writes, but writes is false");
  if (!sql.readOnly) return found;
  if (traces.transactionId !== null) found.push("a transaction id was assigned");
  if (traces.advisory > 0) found.push("an advisory lock was taken");
  if (traces.state !== before.state) found.push(`the state changed: ${before.state} → ${traces.state}`);
  // EXPLAIN plans a change, for which PostgreSQL locks the table as the change would.
  const strong = traces.locked.filter(({ mode }) => mode !== "AccessShareLock");
  if (strong.length > 0 && !sql.kinds.includes("EXPLAIN")) found.push(`a strong lock was taken: ${JSON.stringify(strong)}`);
  return found;
}

function withBehind(names: readonly string[]): ReadonlySet<string> {
  const all = new Set(names);
  for (const one of all) for (const hidden of behind[one] ?? []) all.add(hidden);
  return all;
}
