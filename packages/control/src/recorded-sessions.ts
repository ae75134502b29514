import { CountersignError } from "@countersign/policy";
import { openPayload } from "./log/payload.ts";
import type { SessionRows, WhichSessions } from "./log/session-rows.ts";
import type { SqliteLogStore } from "./log/sqlite-log-store.ts";
import { readSessionRecord, type SessionRecord } from "./session-record.ts";

/** A recorded session: the records that it begins and, once it has ended, ends with. */
export interface RecordedSession {
  readonly id: string;
  /** Its place in the log, by which pages go on. */
  readonly place: number;
  readonly started: SessionRecord;
  readonly ended: SessionRecord | undefined;
}

/** A part of a recording. */
export interface RecordingPart {
  readonly session: RecordedSession;
  /** Whole lines of asciicast. */
  readonly lines: Buffer;
  /** Where the next part begins. */
  readonly next: number;
  /** Nothing follows any more. */
  readonly complete: boolean;
  /** How many parts were erased. */
  readonly erased: number;
}

/** Records that are looked at for one answer; with the parts as long as they are written, some 6 MB at most. */
const mostRecords = 32;

/** Recordings, read from the audit log, while they are written too. */
export class RecordedSessions {
  readonly #store: Pick<SqliteLogStore, "sessions" | "sessionRecords" | "sealedPayload">;
  readonly #payloadKey: Uint8Array;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(store: Pick<SqliteLogStore, "sessions" | "sessionRecords" | "sealedPayload">, payloadKey: Uint8Array) {
    this.#store = store;
    this.#payloadKey = payloadKey;
  }

  /** Newest first. */
  list(which: WhichSessions): readonly RecordedSession[] {
    return this.#store.sessions(which).map(sessionOf);
  }

  /** @throws {CountersignError} `not_found`. */
  get(id: string): RecordedSession {
    const [session] = this.list({ id, limit: 1 });
    if (session === undefined) {
      throw new CountersignError("not_found", "There is no recorded session of that id. `countersign sessions` lists them.");
    }
    return session;
  }

  /**
   * The recording from a place on. Where there is none yet and the session goes on, waits for it.
   *
   * @param after `next` of the part before; 0 = from the beginning.
   * @throws {CountersignError} `not_found`; {AuditError} `corrupt`.
   */
  async read(id: string, after: number, waitMs: number): Promise<RecordingPart> {
    // Before it is looked for: what is written in between wakes it.
    using more = this.#more(id);
    const part = this.#read(id, after);
    if (part.complete || part.next > after || waitMs === 0) return part;
    const timer = setTimeout(more.wake, waitMs);
    await more.came;
    clearTimeout(timer);
    return this.#read(id, after);
  }

  /** Records about a session were written. */
  written(ids: Iterable<string>): void {
    for (const id of ids) for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  /** Nobody waits any longer: the log is being closed. */
  close(): void {
    this.written([...this.#waiting.keys()]);
  }

  #read(id: string, after: number): RecordingPart {
    const session = this.get(id);
    const rows = this.#store.sessionRecords(id, after === 0 ? session.place - 1 : after, mostRecords);
    let erased = 0;
    const lines = rows.flatMap(({ idx, bytes }) => {
      const record = readSessionRecord(bytes);
      if (record?.payload === undefined) return [];
      const sealed = this.#store.sealedPayload(idx);
      if (sealed !== undefined) return [openPayload(this.#payloadKey, sealed, record.payload)];
      erased++;
      return [];
    });
    const next = rows.at(-1)?.idx ?? after;
    const complete = session.ended !== undefined && rows.length < mostRecords;
    return { session, lines: Buffer.concat(lines), next, complete, erased };
  }

  #more(id: string): Disposable & { readonly came: Promise<void>; readonly wake: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(resolve));
    return {
      ...{ came: promise, wake: resolve },
      [Symbol.dispose]: () => {
        waiting.delete(resolve);
        if (waiting.size === 0) this.#waiting.delete(id);
      },
    };
  }
}

function sessionOf({ id, started, ended }: SessionRows): RecordedSession {
  const first = readSessionRecord(started.bytes);
  if (first === undefined)
    throw new CountersignError("internal", "A session's record is damaged; run `countersign audit verify`.");
  return { id, place: started.idx, started: first, ended: ended && readSessionRecord(ended.bytes) };
}
