import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError, type Outcome } from "@countersign/policy";
import { isServerError } from "./codec.ts";
import { unknownFailure } from "./failure.ts";
import { type Marker, sameCluster } from "./marker.ts";
import type { Session } from "./session.ts";

/** How long it is tried to find out, milliseconds. */
export interface Patience {
  /** A transaction that still runs after this time has lost its client: its backend is ended. */
  readonly orphanMs: number;
  /** If that does not help, it is asked again later after this time. */
  readonly giveUpMs: number;
  /** How long a database that went away at COMMIT is waited for. */
  readonly comebackMs: number;
}

type Fate = Pick<Outcome, "state" | "failure">;

/**
 * Asks the server what became of a transaction.
 *
 * `aborted` is always the truth: an id is never given out again once its commit is in the WAL. `committed` is only believed when the server has
 * not crashed since: crash recovery gives ids out again that were not in the WAL yet, so it might be somebody else's commit.
 *
 * @throws {ConnectionLost} when the server goes away meanwhile; {CountersignError} when the transaction is still in progress, e.g. at COMMIT
 * behind a standby that does not answer.
 */
export async function transactionFate(marker: Marker, session: Session, patience: Patience, signal: AbortSignal): Promise<Fate> {
  const cluster = await session.cluster();
  if (!sameCluster(cluster, marker))
    return unknown("The database was restored, promoted or replaced since, so it cannot tell what happened.");
  for (let waitedMs = 0; ; waitedMs += 100) {
    const status = await transactionStatus(marker, session);
    if (status === "aborted") return didNotHappen;
    if (status === "committed" && marker.own)
      return unknown(
        "The transaction of its client was committed; whether the statement was part of it, or undone to a savepoint, it cannot tell.",
      );
    if (status === "committed") {
      return cluster.epoch !== null && cluster.epoch === marker.epoch
        ? { state: "succeeded" }
        : unknown("The database server crashed while the transaction was being committed.");
    }
    if (status === null) return unknown("The database has forgotten the transaction, it is too long ago.");
    if (waitedMs >= patience.giveUpMs || signal.aborted) throw stillInProgress();
    if (waitedMs === patience.orphanMs) await endOrphan(marker, session);
    await sleep(100, undefined, { signal }).catch(() => {});
  }
}

const didNotHappen: Fate = {
  state: "failed",
  failure: {
    code: "target_lost",
    message: "The connection was lost before the transaction was committed; it did not happen.",
    retryable: true,
  },
};

function stillInProgress(): CountersignError {
  return new CountersignError("target_unavailable", "The transaction is still in progress at the database.", { retryable: true });
}

function unknown(why: string): Fate {
  return { state: "unknown", failure: unknownFailure(why) };
}

async function transactionStatus({ xid }: Marker, { upstream }: Session): Promise<string | null> {
  try {
    const [[status = null] = []] = await upstream.ask(`select pg_xact_status('${xid}'::xid8)`);
    return status;
  } catch (error) {
    // "transaction ID … is in the future": a crash took back even that the id was given out.
    if (isServerError(error) && error.code === "22023") return "aborted";
    throw error;
  }
}

/** Its client is gone, so it can only hold locks. The id proves that it is that transaction and not a later session with the same process id. */
async function endOrphan({ xid, pid }: Marker, { upstream }: Session): Promise<void> {
  await upstream.ask(
    `select pg_terminate_backend(pid) from pg_stat_activity where pid = ${pid} and usename = current_user and backend_xid = '${xid}'::xid8::xid`,
  );
}
