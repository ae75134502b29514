import { closeSync, openSync } from "node:fs";
import {
  AuditError,
  type LogBatch,
  type LogState,
  type LogStore,
  type OpenIntent,
  standingTypes,
  TILE_WIDTH,
} from "@countersign/audit";
import Sqlite, { type Database } from "better-sqlite3";
import { OpenIntents } from "./open-intents.ts";
import { loadState, type RecordRow, readRecords, readRecordsOf, readStanding } from "./rows.ts";
import { migrate } from "./schema.ts";
import { readSessionRecords, readSessions, type SessionRows, type WhichSessions } from "./session-rows.ts";
import { asAuditError, translated } from "./sqlite-failure.ts";
import { prepareStatements, type Statements } from "./statements.ts";
import { DurableWal, openWalSync, type WalSync } from "./wal.ts";

/** Longest time in milliseconds until a handed-over record is being synced. With the sync itself it stays under the promised 100 ms. */
const SYNC_DELAY_MS = 50;

/** The audit log in a SQLite file. */
export interface SqliteLogStore extends LogStore {
  /** The sealed payload of a record; undefined when it has none or it was erased. */
  sealedPayload(index: number): Uint8Array | undefined;
  /** Recorded sessions, newest first. */
  sessions(which: WhichSessions): readonly SessionRows[];
  /** The records of a session after a place in the log, in order. */
  sessionRecords(id: string, after: number, limit: number): readonly RecordRow[];
  /** Deletes a payload with its key and salt, from the write-ahead log too. Gives whether there was one. */
  erasePayload(index: number): boolean;
  /** Syncs and closes. */
  close(): Promise<void>;
}

/**
 * Opens or creates the audit log's file (mode 0600).
 *
 * @param file - Path of `audit.db`.
 * @throws {AuditError} `unavailable` when it cannot be opened, `corrupt` when it is not an audit log.
 */
export function openSqliteLogStore(file: string): SqliteLogStore {
  return translated(() => {
    createPrivately(file);
    const db = new Sqlite(file, { timeout: 250 });
    try {
      return sqliteLogStore(prepareDatabase(db), openWalSync(db));
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Settings of a writing connection. The schema's transaction is fully synced, so that the files themselves survive a power cut. */
export function prepareDatabase(db: Database): Database {
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("secure_delete = ON");
  db.pragma("cache_size = -4000");
  // Most commits rewrite the same few pages: a longer WAL (16 MB) moves each of them into the database less often.
  db.pragma("wal_autocheckpoint = 4000");
  migrate(db);
  db.pragma("synchronous = NORMAL");
  return db;
}

/** The store on an open connection. @param wal - Syncs the connection's write-ahead log. */
export function sqliteLogStore(db: Database, wal: WalSync): SqliteLogStore {
  return new SqliteStore(db, wal);
}

class SqliteStore implements SqliteLogStore {
  readonly #db: Database;
  readonly #wal: DurableWal;
  readonly #statements: Statements;
  readonly #write: (batch: LogBatch) => void;
  readonly #intents: OpenIntents;
  #timer: NodeJS.Timeout | undefined;
  #truncateOwed = false;

  constructor(db: Database, wal: WalSync) {
    this.#db = db;
    this.#wal = new DurableWal(db, wal);
    this.#statements = prepareStatements(db);
    this.#intents = OpenIntents.load(db);
    this.#write = db.transaction((batch: LogBatch) => {
      writeBatch(this.#statements, batch);
      if (fillsTile(batch)) this.#intents.write(this.#statements, batch.entries);
    }).immediate;
  }

  async load(): Promise<LogState> {
    return translated(() => loadState(this.#db));
  }

  async commit(batch: LogBatch): Promise<void> {
    translated(() => {
      this.#settle();
      this.#write(batch);
    });
    this.#intents.stored(batch.entries);
    if (fillsTile(batch)) this.#intents.written();
    this.#timer ??= setTimeout(() => void this.#syncLate(), SYNC_DELAY_MS).unref();
  }

  async sync(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      translated(() => this.#settle());
      await this.#wal.sync();
    } catch (error) {
      throw asAuditError(error);
    }
    if (this.#truncateOwed) this.#truncate();
  }

  async openIntents(writer: string): Promise<readonly OpenIntent[]> {
    const bytes = (index: number) => readRecords(this.#db, index, 1)[0]?.bytes ?? Buffer.alloc(0);
    return translated(() => this.#intents.of(writer, bytes));
  }

  async recordsOf(request: string): Promise<readonly Uint8Array[]> {
    return translated(() => readRecordsOf(this.#db, request));
  }

  async standing(): Promise<readonly Uint8Array[]> {
    return translated(() => readStanding(this.#db));
  }

  sealedPayload(index: number): Uint8Array | undefined {
    return translated(() => {
      const row = this.#db.prepare<[number], { sealed: Buffer }>("select sealed from payloads where idx = ?").get(index);
      return row?.sealed;
    });
  }

  sessions(which: WhichSessions): readonly SessionRows[] {
    return translated(() => readSessions(this.#db, which));
  }

  sessionRecords(id: string, after: number, limit: number): readonly RecordRow[] {
    return translated(() => readSessionRecords(this.#db, id, after, limit));
  }

  erasePayload(index: number): boolean {
    return translated(() => {
      const { changes } = this.#db.prepare("delete from payloads where idx = ?").run(index);
      if (changes > 0) this.#truncate();
      return changes > 0;
    });
  }

  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      clearTimeout(this.#timer);
      this.#wal.close();
      this.#db.close();
    }
  }

  /** The timer's sync: nobody waits for it, so its failure is kept and refuses the next commit. */
  async #syncLate(): Promise<void> {
    await this.sync().catch(() => undefined);
  }

  #settle(): void {
    if (!this.#wal.settle()) throw new AuditError("unavailable", "The audit log's file is in use by a reader; try again.");
  }

  /** Empties the write-ahead log, where an erased payload would live on. A reader in the way puts it off to the next sync. */
  #truncate(): void {
    this.#truncateOwed = !this.#wal.truncate();
  }
}

function writeBatch(statements: Statements, { entries, tiles, writers, checkpoint }: LogBatch): void {
  for (const { index, bytes, leaf, type, request, payload } of entries) {
    statements.insertRecord.run(index, bytes, leaf, request ?? null);
    if (standingTypes.has(type)) statements.insertStanding.run(index);
    if (type === "session.started" && request !== undefined) statements.beginSession.run(index, request);
    if (type === "session.ended" && request !== undefined) statements.endSession.run(index, request);
    if (payload !== undefined) statements.insertPayload.run(index, payload);
  }
  for (const { level, index, hashes } of tiles) {
    statements.putTile.run(level, index, hashes);
    if (level > 0) continue;
    statements.listRequests.run({ from: index * TILE_WIDTH, to: (index + 1) * TILE_WIDTH });
    statements.thinCheckpoints.run({ after: (index - 1) * TILE_WIDTH, upTo: index * TILE_WIDTH });
  }
  for (const { writer, sequence, leaf } of writers) statements.putWriter.run(writer, sequence, leaf);
  const last = entries.at(-1);
  if (last !== undefined) statements.insertCheckpoint.run(last.index + 1, checkpoint);
}

/** Whether a tile of level 0 becomes full: then what the records before its end tell is stored in the form that a restart reads. */
function fillsTile({ tiles }: LogBatch): boolean {
  return tiles.some(({ level }) => level === 0);
}

/** SQLite gives its side files the mode of the main file, so that one comes first. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, "ax", 0o600));
  } catch (error) {
    // Only a new file is opened here: closing a second descriptor of a database in use would drop this process's locks on it.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
