import { type Kysely, sql, type Transaction } from "kysely";
import type { DurableWal } from "../../log/wal.ts";

/** Runs a piece of work inside a transaction; its result comes when that is on disk. */
export type Write<Tables> = <Result>(work: (transaction: Transaction<Tables>) => Promise<Result>) => Promise<Result>;

interface Job<Tables> {
  readonly run: (transaction: Transaction<Tables>) => Promise<void>;
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
 * work has its own savepoint: one that throws undoes itself and leaves the others be. Nobody is answered before what was written is on disk;
 * the writes that arrive while the disk is at work go into the next transaction meanwhile. Whoever reads may see what is not on disk yet, but
 * whatever they write because of it lies behind it in the same log, and cannot survive without it.
 */
export function groupCommit<Tables>(
  db: Kysely<Tables>,
  wal: Pick<DurableWal, "settle" | "sync">,
): { readonly write: Write<Tables>; readonly idle: () => Promise<void> } {
  let waiting: Job<Tables>[] = [];
  let draining: Promise<void> | undefined;
  const syncing = new Set<Promise<void>>();

  async function drain(): Promise<void> {
    // One turn later, so that what is asked for in this turn travels together.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const jobs = waiting;
      waiting = [];
      const settle = (failure?: unknown) => {
        for (const job of jobs) job.settle(failure);
      };
      try {
        await commit(jobs);
      } catch (failure) {
        settle(failure);
        continue;
      }
      const synced = wal.sync().then(settle, (cause) => settle(new NotSynced(cause)));
      syncing.add(synced);
      void synced.then(() => syncing.delete(synced));
    }
    draining = undefined;
  }

  async function commit(jobs: readonly Job<Tables>[]): Promise<void> {
    if (!wal.settle()) throw new NotSynced(new Error("The write-ahead log is in use."));
    let first: { readonly failure: unknown } | undefined;
    const committed = db.transaction().execute(async (transaction) => {
      try {
        for (const job of jobs) await job.run(transaction);
      } catch (failure) {
        // Kept: when SQLite has ended the transaction already, Kysely's rollback fails and would hide it.
        first = { failure };
        throw failure;
      }
    });
    await committed.catch((failure) => {
      throw first === undefined ? failure : first.failure;
    });
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        let settled = () => {};
        waiting.push({
          async run(transaction) {
            await sql`savepoint job`.execute(transaction);
            try {
              const result = await work(transaction);
              settled = () => resolve(result);
            } catch (failure) {
              settled = () => reject(failure);
              // Some failures (a full disk) have ended the whole transaction already: then the failure is everybody's.
              await sql`rollback to job`.execute(transaction).catch(() => {
                throw failure;
              });
            }
            await sql`release job`.execute(transaction);
          },
          settle: (failure) => (failure === undefined ? settled() : reject(failure)),
        });
        draining ??= drain();
      }),

    async idle() {
      await draining;
      await Promise.all(syncing);
    },
  };
}
