import { TILE_WIDTH } from "@countersign/audit";
import type { Database } from "better-sqlite3";
import { logSize, type RecordRow } from "./rows.ts";

/** Which sessions are looked for. */
export interface WhichSessions {
  /** Of one request or session alone. */
  readonly id?: string;
  /** Those that began before this place in the log. */
  readonly before?: number;
  readonly limit: number;
}

/** The records that a session begins and ends with. */
export interface SessionRows {
  readonly id: string;
  readonly started: Pick<RecordRow, "idx" | "bytes">;
  readonly ended: Pick<RecordRow, "idx" | "bytes"> | undefined;
}

/** Recorded sessions, newest first. */
export function readSessions(db: Database, { id, before, limit }: WhichSessions): SessionRows[] {
  const rows = db
    .prepare<
      { id: string | null; before: number; limit: number },
      { request: string; idx: number; bytes: Buffer; ended: number | null; end: Buffer | null }
    >(
      `select sessions.request, sessions.idx, begun.bytes, sessions.ended, finish.bytes as end
       from sessions join records begun on begun.idx = sessions.idx left join records finish on finish.idx = sessions.ended
       where sessions.idx < @before and (@id is null or sessions.request = @id) order by sessions.idx desc limit @limit`,
    )
    .all({ id: id ?? null, before: before ?? Number.MAX_SAFE_INTEGER, limit });
  return rows.map(({ request, idx, bytes, ended, end }) => ({
    ...{ id: request, started: { idx, bytes } },
    ended: ended === null || end === null ? undefined : { idx: ended, bytes: end },
  }));
}

/** The records of a request or session after a place in the log, in order. */
export function readSessionRecords(db: Database, request: string, after: number, limit: number): RecordRow[] {
  const size = logSize(db);
  return db
    .prepare<{ request: string; after: number; listed: number; limit: number }, RecordRow>(
      // As in readRecordsOf: one search for each part.
      `select idx, bytes, leaf from (
         select * from (select idx, bytes, leaf from requests join records using (idx)
           where requests.request = @request and idx > @after order by idx limit @limit)
         union all select idx, bytes, leaf from records where idx >= @listed and idx > @after and records.request = @request
       ) order by idx limit @limit`,
    )
    .all({ request, after, limit, listed: size - (size % TILE_WIDTH) });
}
