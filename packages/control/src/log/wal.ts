import { closeSync, fdatasync, openSync } from "node:fs";
import { promisify } from "node:util";
import type { Database } from "better-sqlite3";

const fdatasyncAsync = promisify(fdatasync);

/** Puts SQLite's write-ahead log on disk. */
export interface WalSync {
  /** Resolves once every transaction committed before the call is on disk. */
  sync(): Promise<void>;
  close(): void;
}

/**
 * Syncs the write-ahead log of a database from outside SQLite.
 *
 * The connection commits with `synchronous = NORMAL`, which writes to the WAL without syncing it: that is "handed over". A durable commit
 * adds what `synchronous = FULL` would add, an fdatasync of the WAL file, which also covers every earlier frame. Doing it here and not with
 * `PRAGMA synchronous = FULL` keeps it off the event loop: FULL would stop all traffic for the time of each sync (0.2 to 10 ms).
 *
 * Checkpoints stay safe: with NORMAL, SQLite itself syncs the WAL before it moves pages into the database, and the database before it
 * starts the WAL anew. So a frame is either in the WAL that is synced here, or already safe in the database. The WAL file lives as long as
 * the connection does, so that its descriptor stays the right one, and SQLite holds no POSIX lock on it that closing could drop.
 */
export function openWalSync(db: Database): WalSync {
  const fd = openSync(`${db.name}-wal`, "r+");
  let open = true;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    next = undefined;
    running = fdatasyncAsync(fd).finally(() => {
      running = undefined;
    });
    return running;
  };
  return {
    sync() {
      // A sync that already runs may have begun before the caller's commit; the one after it covers all who come meanwhile.
      if (running === undefined) return start();
      next ??= running.then(start, start);
      return next;
    },
    close() {
      // Once: the number may belong to another file by now.
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** A write-ahead log of which nobody may rely on what a failed sync has left behind. */
export class DurableWal {
  readonly #db: Database;
  readonly #wal: WalSync;
  /** Set by a failed sync: what is in the WAL may be lost in a power cut, although the next sync would not say so again. */
  #doubtful = false;

  constructor(db: Database, wal: WalSync) {
    this.#db = db;
    this.#wal = wal;
  }

  /**
   * To be called before every commit. After a failed sync the kernel may count lost pages as written: a full checkpoint reads every frame and
   * writes it anew into the database, synced by SQLite; only when that works are new commits accepted.
   *
   * @returns `false` while a reader is in the way.
   * @throws what SQLite throws, when the disk does not work yet.
   */
  settle(): boolean {
    if (!this.#doubtful) return true;
    this.#db.pragma("synchronous = FULL");
    try {
      this.#doubtful = !this.truncate();
    } finally {
      this.#db.pragma("synchronous = NORMAL");
    }
    return !this.#doubtful;
  }

  /** Resolves once everything that was committed before the call is on disk. */
  async sync(): Promise<void> {
    try {
      await this.#wal.sync();
    } catch (error) {
      this.#doubtful = true;
      throw error;
    }
  }

  /** Moves everything into the database and empties the file; `false` while a reader is in the way. */
  truncate(): boolean {
    const rows: unknown = this.#db.pragma("wal_checkpoint(TRUNCATE)");
    const busy: unknown = Array.isArray(rows) ? rows[0]?.busy : undefined;
    return busy === 0;
  }

  close(): void {
    this.#wal.close();
  }
}
