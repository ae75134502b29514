import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { ControlPlaneError } from "../../control-plane-error.ts";
import { DurableWal, openWalSync } from "../../log/wal.ts";
import { migrate } from "../migrate.ts";
import type { Schema } from "../schema.ts";
import { Connection } from "./connection.ts";

/** An open `control.db`. Commits are handed to the operating system; they are on disk once `wal` is synced. */
export interface OpenDatabase {
  /** Makes queries and closes it. What it runs by itself would wait for its own queue: see `connection`. */
  readonly db: Kysely<Schema>;
  readonly connection: Connection;
  readonly wal: DurableWal;
}

/**
 * Opens `control.db` for this process alone, at the newest schema version.
 *
 * `locking_mode = EXCLUSIVE` takes the lock with the first read and keeps it until the connection is closed. It is an advisory lock of the
 * operating system on the file, so it goes with the process, also by kill -9. In WAL mode it also keeps the WAL's index in memory instead
 * of in a shared file. POSIX drops a process's locks on a file when *any* of its descriptors of that file is closed: nothing else in this
 * process may open `control.db`.
 *
 * @throws {ControlPlaneError} `folder_in_use`, `store_too_new` or `store_damaged`.
 */
export async function openDatabase(file: string): Promise<OpenDatabase> {
  const sqlite = lock(file);
  try {
    const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: sqlite }) });
    await migrate(db, { bytes: "blob" }, file);
    sqlite.pragma("synchronous = NORMAL");
    return { db, connection: new Connection(sqlite), wal: new DurableWal(sqlite, openWalSync(sqlite)) };
  } catch (failure) {
    sqlite.close();
    throw failure;
  }
}

function lock(file: string): Database.Database {
  let sqlite: Database.Database | undefined;
  try {
    createPrivately(file);
    // Waiting for the lock would only make a second `up` hang before it fails.
    sqlite = new Database(file, { timeout: 0 });
    sqlite.pragma("locking_mode = EXCLUSIVE");
    sqlite.pragma("journal_mode = WAL");
    sqlite.pragma("synchronous = FULL");
    // Requests lie all over the file, so that a longer WAL would save little, and moving it into the database would hold everybody up for
    // longer: with this one (1 MB) it takes about 5 ms.
    sqlite.pragma("wal_autocheckpoint = 250");
    sqlite.pragma("foreign_keys = ON");
    sqlite.pragma("trusted_schema = OFF");
    // A write takes the lock now and shows that the file can be written. It is the first one to the write-ahead log, whose directory entry its
    // sync makes durable.
    sqlite.pragma("user_version = 0");
    return sqlite;
  } catch (cause) {
    sqlite?.close();
    const code = cause instanceof Database.SqliteError ? cause.code : "";
    if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
      throw new ControlPlaneError(
        "folder_in_use",
        `${file} is in use by another process. Stop the other \`countersign up\`, or use another data folder with --data.`,
        cause,
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ControlPlaneError("store_damaged", `${file} cannot be opened: ${reason}.`, cause);
  }
}

/** SQLite gives the files beside it the mode of the main file, so that one is made first. Only a new file is opened here: see above. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, "ax", 0o600));
  } catch (failure) {
    if (!(failure instanceof Error && "code" in failure && failure.code === "EEXIST")) throw failure;
  }
}
