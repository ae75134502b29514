import { type LogState, TILE_WIDTH } from "@countersign/audit";
import type { Database } from "better-sqlite3";

/** A stored record. */
export interface RecordRow {
  readonly idx: number;
  readonly bytes: Buffer;
  readonly leaf: Buffer;
}

/** What a writer needs to go on: the end of the log, in one consistent view. */
export function loadState(db: Database): LogState {
  return db.transaction((): LogState => {
    const size = logSize(db);
    const tail = readRecords(db, size - (size % TILE_WIDTH), TILE_WIDTH).map((row) => row.bytes);
    const tiles = db
      .prepare<[number], { level: number; idx: number; hashes: Buffer }>(
        "select level, max(idx) as idx, hashes from tiles where level > 0 group by level having length(hashes) < 32 * ?",
      )
      .all(TILE_WIDTH)
      .map(({ level, idx, hashes }) => ({ level, index: idx, hashes }));
    const writers = db
      .prepare<[], { writer: string; sequence: number; leaf: Buffer }>("select writer, sequence, leaf from writers")
      .all();
    return { size, checkpoint: newestCheckpoint(db)?.note, tail, tiles, writers };
  })();
}

/** One past the last record. */
export function logSize(db: Database): number {
  return (db.prepare<[], { last: number | null }>("select max(idx) as last from records").get()?.last ?? -1) + 1;
}

/** The signed tree head of the whole log. */
export function newestCheckpoint(db: Database): { readonly size: number; readonly note: string } | undefined {
  return db.prepare<[], { size: number; note: string }>("select size, note from checkpoints order by size desc limit 1").get();
}

/** Up to `limit` records from `index` on. */
export function readRecords(db: Database, index: number, limit: number): RecordRow[] {
  return db
    .prepare<[number, number], RecordRow>("select idx, bytes, leaf from records where idx >= ? order by idx limit ?")
    .all(index, limit);
}

/** Bytes of the records about what stands until it is taken back, in order. */
export function readStanding(db: Database): Buffer[] {
  const records = db.prepare<[], { bytes: Buffer }>("select bytes from standing join records using (idx) order by idx");
  return records.all().map((row) => row.bytes);
}

/** Bytes of the records about a request, in order: those in full tiles are listed in a table of their own. */
export function readRecordsOf(db: Database, request: string): Buffer[] {
  const size = logSize(db);
  return db
    .prepare<{ request: string; listed: number }, { bytes: Buffer }>(
      // One search for each part: with an "or" SQLite would go through the whole log.
      `select bytes from (
         select idx, bytes from requests join records using (idx) where requests.request = @request
         union all select idx, bytes from records where idx >= @listed and request = @request
       ) order by idx`,
    )
    .all({ request, listed: size - (size % TILE_WIDTH) })
    .map((row) => row.bytes);
}
