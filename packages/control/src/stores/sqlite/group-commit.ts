import type { DurableWal } from "../../log/wal.ts";
import type { Connection, Writing } from "./connection.ts";

/** Runs a piece of work inside a transaction; its result comes when that is on disk. The work waits for nothing. */
export type Write = <Result>(work: (transaction: Writing) => Result) => Promise<Result>;

interface Job {
  readonly run: () => void;
  /** Only this one was undone. */
  readonly undone: (failure: unknown) => void;
  readonly settle: (failure?: unknown) => void;
}

/** A change was stored, and could not be put on disk: it is there as long as the machine runs, and maybe longer. */
export class NotSynced extends Error {
  override readonly name = "NotSynced";
  /** The system's, e.g. `EIO`. */
  readonly code: string;

  constructor(cause: unknown) {
    super("The write-ahead log could not be synced.", { cause });
    this.code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  }
}

/**
 * Runs writes that arrive together in one transaction, so that they share one fsync: it is nearly all that a small write costs. Each piece of
 * work among others has its own savepoint: one that throws undoes itself and leaves the others be. Nobody is answered before what was written is
 * on disk; the writes that arrive while the disk is at work go into the next transaction meanwhile. Whoever reads may see what is not on disk
 * yet, but whatever they write because of it lies behind it in the same log, and cannot survive without it.
 */
export function groupCommit(
  connection: Connection,
  wal: Pick<DurableWal, "settle" | "sync">,
): { readonly write: Write; readonly idle: () => Promise<void> } {
  let waiting: Job[] = [];
  /** Ends with the newest sync, and so after all before it. */
  let syncing = Promise.resolve();

  function commitWaiting(): void {
    const jobs = waiting;
    waiting = [];
    const settle = (failure?: unknown) => {
      for (const job of jobs) job.settle(failure);
    };
    try {
      commit(jobs);
    } catch (failure) {
      settle(failure);
      return;
    }
    syncing = wal.sync().then(settle, (cause) => settle(new NotSynced(cause)));
  }

  function commit(jobs: readonly Job[]): void {
    if (!wal.settle()) throw new NotSynced(new Error("The write-ahead log is in use."));
    const [only, ...others] = jobs;
    connection.do("begin");
    try {
      if (others.length === 0) only?.run();
      else for (const job of jobs) runApart(job);
      connection.do("commit");
    } catch (failure) {
      if (connection.inTransaction) connection.do("rollback");
      throw failure;
    }
  }

  function runApart(job: Job): void {
    connection.do("savepoint job");
    try {
      job.run();
    } catch (failure) {
      // Some failures (a full disk) have ended the whole transaction already: then the failure is everybody's.
      if (!connection.inTransaction) throw failure;
      connection.do("rollback to job");
      job.undone(failure);
    }
    connection.do("release job");
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        let settled = () => {};
        waiting.push({
          run() {
            const result = work(connection);
            settled = () => resolve(result);
          },
          undone(failure) {
            settled = () => reject(failure);
          },
          settle: (failure) => (failure === undefined ? settled() : reject(failure)),
        });
        // At the end of this turn, so that what is asked for in it travels together.
        if (waiting.length === 1) setImmediate(commitWaiting);
      }),

    async idle() {
      while (waiting.length > 0) await new Promise((resolve) => setImmediate(resolve));
      await syncing;
    },
  };
}
