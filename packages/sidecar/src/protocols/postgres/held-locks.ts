import type { HeldLocks } from "../../native/own-connection.ts";
import type { ConnectOptions } from "./connect.ts";
import { failureWords, NotFoundOut, shortened } from "./evidence-failure.ts";
import { EvidenceSession } from "./evidence-session.ts";

/** So many are listed. */
const mostListed = 50;
/** Longest line: names are the client's. */
const longestLine = 200;
/** Lock modes, the strongest first. */
const modes = [
  "AccessExclusiveLock",
  "ExclusiveLock",
  "ShareRowExclusiveLock",
  "ShareLock",
  "ShareUpdateExclusiveLock",
  "RowExclusiveLock",
  "RowShareLock",
  "AccessShareLock",
];

const transaction = (pid: number) => `
select coalesce(extract(epoch from pg_catalog.clock_timestamp() - xact_start)::bigint::text, ''),
       (select count(*) from pg_catalog.pg_locks w where not w.granted and ${pid} = any(pg_catalog.pg_blocking_pids(w.pid)))::text
from pg_catalog.pg_stat_activity
where pid = ${pid} and datname = pg_catalog.current_database() and usename = session_user`;

/** Without what every transaction has of itself, indexes (they go with their table) and reading the system's own tables. */
const locks = (pid: number) => `
select l.locktype, l.mode, l.relation::text,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), count(*) over ()::text
from pg_catalog.pg_locks l
left join pg_catalog.pg_class c on c.oid = l.relation and l.database in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where l.pid = ${pid} and l.granted and l.locktype <> 'virtualxid' and l.mode <> 'SIReadLock' and coalesce(c.relkind not in ('i', 'I'), true)
  and not (l.mode = 'AccessShareLock' and coalesce(n.nspname = 'pg_catalog', false))
order by pg_catalog.array_position(array[${modes.map((mode) => `'${mode}'`).join(", ")}], l.mode), 4, 3
limit ${mostListed}`;

/**
 * Finds out what the open transaction of a session holds, on another connection, which is thrown away. Names are those that others see: what the
 * transaction has made itself has none yet.
 *
 * @param pid the process that serves the session, which must be in use as long as this lasts.
 */
export async function heldLocks(login: ConnectOptions, resource: string, pid: number, signal: AbortSignal): Promise<HeldLocks> {
  const what = "What the client's open transaction holds";
  try {
    using session = await EvidenceSession.open(login, resource, "read only", signal);
    const [[openS, waiting = "0"] = []] = await session.ask(transaction(pid));
    if (!openS)
      throw new NotFoundOut(`${what} could not be found out: the server does not know its session (a pooler in between?).`);
    const found = await session.ask(locks(pid));
    const more = Number(found[0]?.[4] ?? 0) - found.length;
    return {
      locks: [
        ...found.map((row) => shortened(lockLine(row), longestLine)),
        ...(more > 0 ? [`… and ${more} more`] : []),
        ...(found.length === 0 ? ["nothing that others would wait for"] : []),
        ...(waiting === "0" ? [] : [`${waiting} other ${waiting === "1" ? "session waits" : "sessions wait"} for it already`]),
        `It has been open for ${openS} s.`,
      ],
    };
  } catch (error) {
    return { locks: [], failure: failureWords(error, what) };
  }
}

function lockLine([type, mode, oid, name]: readonly (string | null)[]): string {
  if (type === "transactionid") return `${mode} on the rows that it has changed`;
  if (type === "relation") return `${mode} on ${name ?? `a relation that only it sees yet, or of another database (OID ${oid})`}`;
  if (type === "tuple") return `${mode} on a row of ${name ?? `the relation ${oid}`}`;
  return `${mode} (${type}${name == null ? "" : ` of ${name}`})`;
}
