/**
 * Writes src/facts/postgres/catalog.generated.ts: which names PostgreSQL itself brings, and which of its functions neither change
 * anything nor reach outside of the tables that a statement names.
 *
 * Run it against an empty database of every supported major version, the oldest first (needs `psql` in PATH):
 *
 *     node scripts/catalog.ts postgres://postgres@localhost:5415/postgres … postgres://postgres@localhost:5418/postgres
 *
 * A name counts as built in (and a function as safe) only when it does on every server: a name that only some versions bring may be a
 * user's own function on the others. Safe functions that came later are listed with the version from which on all servers have them.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

/** `immutable` or `stable` by the catalog, and yet not harmless. */
const dangerous = [
  /_to_xml/, // runs a query, or reads the tables that a string names
  /^(pg_current_xact_id|txid_current)$/, // takes a transaction id
  /^pg_input_(is_valid|error_info)$/, // runs the input function and the checks of a type that a string names
];

/** `volatile` because the answer changes, and yet without any effect. */
const harmless = new Set(
  `array_sample array_shuffle clock_timestamp current_query currval gen_random_uuid lastval pg_blocking_pids pg_collation_actual_version
   pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system pg_current_wal_flush_lsn pg_current_wal_insert_lsn
   pg_current_wal_lsn pg_database_collation_actual_version pg_database_size pg_get_wal_replay_pause_state pg_indexes_size
   pg_is_in_recovery pg_is_wal_replay_paused pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn
   pg_last_xact_replay_timestamp pg_notification_queue_usage pg_partition_ancestors pg_partition_tree pg_relation_size
   pg_safe_snapshot_blocking_pids pg_table_size pg_tablespace_size pg_total_relation_size
   pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status random random_normal timeofday txid_status uuidv4
   uuidv7`.split(/\s+/),
);

/**
 * Of every overload: volatile, or not meant to be called from a query. Those take or give a server-internal value, or are the input
 * function of a type: `domain_in('x', 'evil'::regtype, -1)` runs the checks of a user's domain.
 */
const functions = `
  select proname as name,
         bool_or(provolatile = 'v') as volatile,
         bool_or(array['internal', 'cstring']::regtype[] && string_to_array(proargtypes::text, ' ')::oid[]::regtype[] or prorettype in (select oid from pg_type where typtype = 'p' and typname ~
           '^(internal|trigger|event_trigger|.*_handler)$')) as internal
  from pg_proc where pronamespace = 'pg_catalog'::regnamespace group by 1`;

/** The columns that every overload of a function gives, by OUT and TABLE parameters. */
const columns = `
  with overload as (
    select proname, array(select name from unnest(proargnames, proargmodes) as p(name, mode) where mode in ('o', 'b', 't')) as names
    from pg_proc where pronamespace = 'pg_catalog'::regnamespace)
  select proname as name, array_agg(distinct name order by name) as columns
  from overload o, unnest(o.names) as name
  where not exists (select from overload other where other.proname = o.proname and name <> all (other.names))
  group by 1`;

interface Catalog {
  readonly version: string;
  readonly major: number;
  readonly functions: readonly { readonly name: string; readonly volatile: boolean; readonly internal: boolean }[];
  readonly columns: readonly { readonly name: string; readonly columns: readonly string[] }[];
  readonly operators: readonly string[];
  readonly types: readonly string[];
  readonly relations: readonly string[];
}

function readCatalog(url: string): Catalog {
  const query = (sql: string): unknown =>
    JSON.parse(execFileSync("psql", [url, "-XAtqc", sql], { encoding: "utf8", maxBuffer: 1 << 26 }));
  const names = (sql: string) => query(`select json_agg(distinct name) from (${sql}) x`) as string[];
  const version = query("select to_json(split_part(current_setting('server_version'), ' ', 1))") as string;
  return {
    version,
    major: Number.parseInt(version, 10),
    functions: query(`select json_agg(x) from (${functions}) x`) as Catalog["functions"],
    columns: query(`select json_agg(x) from (${columns}) x`) as Catalog["columns"],
    operators: names(`select oprname as name from pg_operator o where oprnamespace = 'pg_catalog'::regnamespace and not exists
      (select from pg_operator p join pg_proc f on f.oid = p.oprcode where p.oprname = o.oprname and provolatile = 'v')`),
    types: names(
      "select typname as name from pg_type where typnamespace = 'pg_catalog'::regnamespace and (typtype in ('b', 'r', 'm') or typname = 'record') and typname not like '\\_pg\\_%'",
    ),
    relations: names(
      "select relname as name from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')",
    ),
  };
}

function isSafe(f: Catalog["functions"][number]): boolean {
  return !f.internal && (!f.volatile || harmless.has(f.name)) && !dangerous.some((pattern) => pattern.test(f.name));
}

function inAll(lists: readonly (readonly string[])[]): string[] {
  const [first = [], ...rest] = lists;
  return first.filter((name) => rest.every((list) => list.includes(name)));
}

/** What some server has and that is not among `known`. */
function others(lists: readonly (readonly string[])[], known: readonly string[]): string[] {
  const set = new Set(known);
  return [...new Set(lists.flat())].filter((name) => !set.has(name));
}

function constant(name: string, documentation: string, values: readonly string[]): string {
  const lines = [""];
  for (const value of [...values].sort()) {
    const last = lines.length - 1;
    const line = `${lines[last]} ${value}`.trim();
    if (line.length > 124) lines.push(value);
    else lines[last] = line;
  }
  const text = lines.join("\n  ").replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("$", "\\$");
  return `/** ${documentation} */\nexport const ${name}: ReadonlySet<string> = new Set(\n  \`${text}\`.split(/\\s+/),\n);\n`;
}

/** The version from which on every server has a function and it is safe on each; undefined for one that the newest has not. */
function safeSince(name: string): number | undefined {
  const unsafe = catalogs.findLast((c) => !c.functions.some((f) => f.name === name && isSafe(f)));
  return catalogs.find((c) => c.major > (unsafe?.major ?? 0))?.major;
}

function laterLines(): string {
  const names = [...new Set(catalogs.flatMap((c) => c.functions.map((f) => f.name)))].sort();
  const lines = names.flatMap((name) => {
    const since = safeSince(name);
    return since === undefined || since === catalogs[0]?.major ? [] : [`  [${JSON.stringify(name)}, ${since}],\n`];
  });
  const documentation =
    "Functions that are as safe, but only from a major version on; before, a user's function may have the name.";
  return `/** ${documentation} */\nexport const laterFunctions: ReadonlyMap<string, number> = new Map([\n${lines.join("")}]);\n`;
}

function columnLines(): string {
  const having = catalogs.map((c) => ({
    functions: new Set(c.functions.map((f) => f.name)),
    columns: new Map(c.columns.map((f) => [f.name, f.columns])),
  }));
  const lines = [...new Set(catalogs.flatMap((c) => c.functions.map((f) => f.name)))].sort().flatMap((name) => {
    if (safeSince(name) === undefined) return [];
    const lists = having.filter((c) => c.functions.has(name)).map((c) => c.columns.get(name) ?? []);
    const common = inAll(lists);
    return common.length > 0 ? [`  [${JSON.stringify(name)}, ${JSON.stringify(common)}],\n`] : [];
  });
  const documentation = "The columns that every overload of a safe function gives when it stands in FROM, by OUT parameters.";
  return `/** ${documentation} */\nexport const functionColumns: ReadonlyMap<string, readonly string[]> = new Map([\n${lines.join("")}]);\n`;
}

const catalogs = process.argv
  .slice(2)
  .map(readCatalog)
  .sort((a, b) => a.major - b.major);
if (catalogs.length === 0) throw new Error("Give the connection URL of at least one server");

const safe = inAll(catalogs.map((c) => c.functions.filter(isSafe).map((f) => f.name))).sort();
const relations = inAll(catalogs.map((c) => c.relations));
const text = [
  `// Generated by scripts/catalog.ts from the catalogs of PostgreSQL ${catalogs.map((c) => c.version).join(", ")}. Do not edit.\n`,
  constant("safeFunctions", "Functions that change nothing and read only what the statement names.", safe),
  constant(
    "otherFunctions",
    "Functions of at least one version that are not known to be safe.",
    others(
      catalogs.map((c) => c.functions.map((f) => f.name)),
      safe,
    ),
  ),
  laterLines(),
  columnLines(),
  constant("builtinOperators", "Operators whose functions are not volatile.", inAll(catalogs.map((c) => c.operators))),
  constant("builtinTypes", "Base and range types, and their arrays.", inAll(catalogs.map((c) => c.types))),
  constant("builtinRelations", "Tables and views of pg_catalog.", relations),
  constant(
    "otherRelations",
    "Tables and views of pg_catalog that only some versions have.",
    others(
      catalogs.map((c) => c.relations),
      relations,
    ),
  ),
].join("\n");
writeFileSync(new URL("../src/facts/postgres/catalog.generated.ts", import.meta.url), text);
