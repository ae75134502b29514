import { type Kysely, sql, type Transaction } from "kysely";

/** Work to do inside a transaction. */
type Work<Tables, Result> = (transaction: Transaction<Tables>) => Promise<Result>;

interface Job<Tables> {
  readonly run: (transaction: Transaction<Tables>) => Promise<void>;
  readonly settle: (commitFailure?: unknown) => void;
}

/**
 * Runs writes that arrive together in one transaction, so that they share one fsync: with synchronous=FULL the fsync is nearly all that a
 * small write costs. Each piece of work has its own savepoint: one that throws undoes itself and leaves the others be. Nobody is answered
 * before the commit.
 */
export function groupCommit<Tables>(db: Kysely<Tables>): <Result>(work: Work<Tables, Result>) => Promise<Result> {
  let waiting: Job<Tables>[] = [];
  let running = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const jobs = waiting;
      waiting = [];
      let first: unknown;
      try {
        await db.transaction().execute(async (transaction) => {
          try {
            for (const job of jobs) await job.run(transaction);
          } catch (failure) {
            // Kept: when SQLite has ended the transaction already, Kysely's rollback fails and would hide it.
            first = failure;
            throw failure;
          }
        });
        for (const job of jobs) job.settle();
      } catch (failure) {
        for (const job of jobs) job.settle(first ?? failure);
      }
    }
    running = false;
  }

  return (work) =>
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
        settle: (commitFailure) => (commitFailure === undefined ? settled() : reject(commitFailure)),
      });
      if (!running) {
        running = true;
        // One turn later, so that what is asked for in this turn travels together.
        setImmediate(() => void drain());
      }
    });
}
