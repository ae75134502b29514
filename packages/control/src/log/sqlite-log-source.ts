import { existsSync } from "node:fs";
import { AuditError, type LogSource, type SourceRecord, TILE_WIDTH } from "@countersign/audit";
import Sqlite, { type Database, type Statement } from "better-sqlite3";
import { logSize, newestCheckpoint, readRecords } from "./rows.ts";
import { checkReadable } from "./schema.ts";
import { translated } from "./sqlite-failure.ts";

/** Records read at a time; between two reads the writer may checkpoint its write-ahead log. */
const PAGE = 500;

/** A log's file, open for reading. */
export interface SqliteLogSource extends LogSource {
  /** How many records there are. */
  readonly size: number;
  /** @param from - Index of the first one. */
  records(from?: number): AsyncIterable<SourceRecord>;
  /** A record's payload in its sealed form; undefined when it has none or was erased. */
  sealedPayload(index: number): Uint8Array | undefined;
  close(): void;
}

/**
 * Opens an audit log's file for reading only, also while its writer runs. The source shows the log as it was when it was opened.
 *
 * @throws {AuditError} `unavailable` when it cannot be opened, `corrupt` when it is not an audit log.
 */
export function openSqliteLogSource(file: string): SqliteLogSource {
  return translated(() => {
    if (!existsSync(file)) throw new AuditError("unavailable", `There is no audit log at ${file}.`);
    const db = new Sqlite(file, { readonly: true, timeout: 1_000 });
    try {
      checkReadable(db);
      return new SqliteSource(db);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

class SqliteSource implements SqliteLogSource {
  readonly #db: Database;
  readonly #size: number;
  readonly #sealed: Statement<[number], Buffer>;
  readonly #newest: { readonly size: number; readonly note: string } | undefined;

  constructor(db: Database) {
    this.#db = db;
    this.#sealed = db.prepare<[number], Buffer>("select sealed from payloads where idx = ?").pluck();
    [this.#size, this.#newest] = db.transaction(() => [logSize(db), newestCheckpoint(db)] as const)();
  }

  get size(): number {
    return this.#size;
  }

  async *records(from = 0): AsyncGenerator<SourceRecord> {
    for (let next = from; next < this.#size; ) {
      const rows = readFrom(next, () => readRecords(this.#db, next, PAGE));
      for (const { idx, bytes } of rows) {
        if (idx < this.#size) yield { index: idx, bytes };
      }
      next = (rows.at(-1)?.idx ?? this.#size) + 1;
    }
  }

  sealedPayload(index: number): Uint8Array | undefined {
    return translated(() => this.#sealed.get(index));
  }

  async tile(level: number, index: number): Promise<readonly (Uint8Array | undefined)[]> {
    const hashes = readFrom(index * TILE_WIDTH ** (level + 1), () =>
      this.#db
        .prepare<[number, number], Buffer>("select hashes from tiles where level = ? and idx = ?")
        .pluck()
        .get(level, index),
    );
    if (hashes !== undefined)
      return Array.from({ length: Math.floor(hashes.length / 32) }, (_, at) => hashes.subarray(at * 32, at * 32 + 32));
    if (level > 0) return [];
    // The last tile of level 0 is stored with its records.
    const leaves: (Uint8Array | undefined)[] = [];
    const first = index * TILE_WIDTH;
    for (const { idx, leaf } of readFrom(first, () => readRecords(this.#db, first, TILE_WIDTH))) {
      if (idx < Math.min(first + TILE_WIDTH, this.#size)) leaves[idx - first] = leaf;
    }
    return leaves;
  }

  async *checkpoints(): AsyncGenerator<string> {
    if (this.#newest === undefined) return;
    const page = this.#db.prepare<[number, number, number], { size: number; note: string }>(
      "select size, note from checkpoints where size > ? and size < ? order by size limit ?",
    );
    for (let after = -1; ; ) {
      const rows = readFrom(after + 1, () => page.all(after, this.#newest?.size ?? 0, PAGE));
      for (const { note } of rows) yield note;
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.size;
    }
    // Kept from the opening: the writer may have thinned it out since.
    yield this.#newest.note;
  }

  close(): void {
    this.#db.close();
  }
}

/** Says where reading stopped when the file itself is damaged. */
function readFrom<T>(index: number, read: () => T): T {
  try {
    return translated(read);
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== "corrupt") throw error;
    throw new AuditError("corrupt", `The file cannot be read from record ${index} on. ${error.message}`, { cause: error });
  }
}
