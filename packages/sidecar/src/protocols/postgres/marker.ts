import type { Json } from "@countersign/policy";
import { isServerError } from "./codec.ts";
import type { Upstream } from "./upstream.ts";

/** What must not have changed for a transaction id to mean the same transaction. `null` = the server does not tell. */
export interface Cluster {
  /** `pg_control_system().system_identifier`: a restored copy keeps it, another server has another one. */
  readonly system: string | null;
  /** The WAL timeline, which a promotion or a point-in-time recovery changes; ids after it are given out anew. */
  readonly timeline: string | null;
  /** When the statistics were last reset, which crash recovery does. A crashed server gives the ids that were not yet in its WAL out again. */
  readonly epoch: string | null;
}

/** How to ask later what became of a transaction. */
export interface Marker extends Cluster {
  /** `pg_current_xact_id()`. */
  readonly xid: string;
  /** The backend that runs it. */
  readonly pid: number;
  readonly database: string;
  /** It is a client's own transaction: what it has committed may be without the operation, which it may have undone to a savepoint. */
  readonly own?: true;
}

const clusterQuestion = `select (select system_identifier::text from pg_control_system()),
  case when pg_is_in_recovery() then null else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end,
  (select stats_reset::text from pg_stat_bgwriter)`;

/**
 * Finds out on which incarnation of the server a session is. A server that keeps one of these things from its logins tells none of them.
 *
 * @throws {ConnectionLost}
 */
export async function askCluster(upstream: Upstream): Promise<Cluster> {
  try {
    const [[system = null, timeline = null, epoch = null] = []] = await upstream.ask(clusterQuestion);
    return { system, timeline, epoch };
  } catch (error) {
    if (!isServerError(error)) throw error;
    return { system: null, timeline: null, epoch: null };
  }
}

/** Reads a marker back from a record; `undefined` when it is none, e.g. for a statement that ran outside a transaction. */
export function parseMarker(value: Json): Marker | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { xid, pid, database, system, timeline, epoch, own } = value as { readonly [key: string]: Json | undefined };
  if (typeof xid !== "string" || !/^\d+$/.test(xid) || typeof pid !== "number" || typeof database !== "string") return undefined;
  const text = (part: Json | undefined) => (typeof part === "string" ? part : null);
  const cluster = { system: text(system), timeline: text(timeline), epoch: text(epoch) };
  return { xid, pid, database, ...cluster, ...(own === true && { own }) };
}

/** Whether a transaction id of one can be looked up on the other. */
export function sameCluster(a: Cluster, b: Cluster): boolean {
  return a.system === b.system && a.timeline === b.timeline;
}
