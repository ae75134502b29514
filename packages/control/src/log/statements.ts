import type { Database, Statement } from "better-sqlite3";

/**
 * The store's statements, prepared once. This is the hot path of every call, so it goes to better-sqlite3 without a query builder: a
 * commit is a few statements that never vary, and building them anew would cost more than running them.
 */
export interface Statements {
  readonly insertRecord: Statement<[number, Uint8Array, Uint8Array, string | null]>;
  readonly insertStanding: Statement<[number]>;
  readonly beginSession: Statement<[number, string]>;
  readonly endSession: Statement<[number, string]>;
  readonly insertCheckpoint: Statement<[number, string]>;
  readonly thinCheckpoints: Statement<[{ readonly after: number; readonly upTo: number }]>;
  readonly insertPayload: Statement<[number, Uint8Array]>;
  readonly openIntent: Statement<[string, string, number]>;
  readonly closeIntent: Statement<[string]>;
  readonly listRequests: Statement<[{ readonly from: number; readonly to: number }]>;
  readonly putTile: Statement<[number, number, Uint8Array]>;
  readonly putWriter: Statement<[string, number, Uint8Array]>;
}

/** Prepares {@link Statements}. */
export function prepareStatements(db: Database): Statements {
  return {
    insertRecord: db.prepare("insert into records (idx, bytes, leaf, request) values (?, ?, ?, ?)"),
    insertStanding: db.prepare("insert into standing (idx) values (?)"),
    beginSession: db.prepare("insert into sessions (idx, request) values (?, ?)"),
    endSession: db.prepare("update sessions set ended = ? where request = ? and ended is null"),
    insertCheckpoint: db.prepare("insert into checkpoints (size, note) values (?, ?)"),
    thinCheckpoints: db.prepare(
      `delete from checkpoints where size > @after and size < (select max(size) from checkpoints where size <= @upTo) and size <= @upTo`,
    ),
    insertPayload: db.prepare("insert into payloads (idx, sealed) values (?, ?)"),
    openIntent: db.prepare("insert or ignore into open_intents (request, writer, idx) values (?, ?, ?)"),
    closeIntent: db.prepare("delete from open_intents where request = ?"),
    listRequests: db.prepare(
      "insert into requests (request, idx) select request, idx from records where idx >= @from and idx < @to and request is not null",
    ),
    putTile: db.prepare("insert or replace into tiles (level, idx, hashes) values (?, ?, ?)"),
    putWriter: db.prepare("insert or replace into writers (writer, sequence, leaf) values (?, ?, ?)"),
  };
}
