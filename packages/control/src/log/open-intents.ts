import { type LogEntry, type OpenIntent, TILE_WIDTH } from "@countersign/audit";
import type { Database } from "better-sqlite3";
import { logSize, readRecords } from "./rows.ts";
import type { Statements } from "./statements.ts";

/**
 * What opens and closes an intent. A session that is no request of its own (a guarded shell) has no intent: its beginning stands for it, and its end for the
 * outcome. One that is the work of a request is open with the request's intent.
 */
type Event = Pick<LogEntry, "type" | "request" | "writer" | "index">;

interface Place {
  readonly writer: string;
  readonly index: number;
  readonly isSession: boolean;
}

const opening: ReadonlySet<unknown> = new Set(["intent", "session.started"]);
const closing: ReadonlySet<unknown> = new Set(["outcome", "session.ended"]);

/**
 * The intents without an outcome. An intent that gets its outcome soon, as nearly all do, costs no write: the table is brought up to date
 * when a tile of level 0 becomes full, in the transaction that stores the tile. After a restart the records after that tile tell the rest.
 */
export class OpenIntents {
  readonly #open: Map<string, Place>;
  /** What the table holds: the index by request. */
  #kept: Map<string, number>;

  private constructor(open: Map<string, Place>) {
    this.#open = open;
    this.#kept = indexes(open);
  }

  /** As of the last stored record. */
  static load(db: Database): OpenIntents {
    const rows = db
      .prepare<[], { request: string; writer: string; idx: number }>("select request, writer, idx from open_intents order by idx")
      .all();
    const isSession = (index: number) => {
      const [row] = readRecords(db, index, 1);
      return row !== undefined && eventOf(index, row.bytes)[0]?.type === "session.started";
    };
    const places = rows.map(({ request, writer, idx }) => [request, { writer, index: idx, isSession: isSession(idx) }] as const);
    const intents = new OpenIntents(new Map(places));
    // The table may know some of these records already: taking them once more leads to the same end.
    const size = logSize(db);
    intents.stored(readRecords(db, size - (size % TILE_WIDTH), TILE_WIDTH).flatMap(({ idx, bytes }) => eventOf(idx, bytes)));
    return intents;
  }

  /** A writer's, oldest first. */
  of(writer: string, bytes: (index: number) => Uint8Array): OpenIntent[] {
    return [...this.#open]
      .filter(([, place]) => place.writer === writer)
      .sort(([, a], [, b]) => a.index - b.index)
      .map(([request, { index }]) => ({ request, record: bytes(index) }));
  }

  /** Brings the table up to date with everything stored before and with `entries`; inside the transaction that stores them. */
  write({ openIntent, closeIntent }: Statements, entries: readonly Event[]): void {
    for (const [request, index] of this.#kept) if (this.#open.get(request)?.index !== index) closeIntent.run(request);
    for (const [request, { writer, index }] of this.#open) {
      if (this.#kept.get(request) !== index) openIntent.run(request, writer, index);
    }
    // Of those that open and end in the same group none is left.
    const open = new Map<string, Place>(this.#open);
    for (const entry of entries) {
      const { request, writer, index } = entry;
      const change = take(open, entry);
      if (request === undefined || change === undefined) continue;
      if (change === "opened") openIntent.run(request, writer, index);
      else closeIntent.run(request);
    }
  }

  /** Takes records into account, once they are stored. */
  stored(entries: readonly Event[]): void {
    for (const entry of entries) take(this.#open, entry);
  }

  /** The table is up to date: what {@link write} wrote was committed, and is {@link stored}. */
  written(): void {
    this.#kept = indexes(this.#open);
  }
}

/** Takes one record into account. */
function take(open: Map<string, Place>, { type, request, writer, index }: Event): "opened" | "closed" | undefined {
  if (request === undefined) return undefined;
  if (opening.has(type)) {
    if (open.has(request)) return undefined;
    open.set(request, { writer, index, isSession: type === "session.started" });
    return "opened";
  }
  if (!closing.has(type) || (type === "session.ended") !== (open.get(request)?.isSession ?? false)) return undefined;
  return open.delete(request) ? "closed" : undefined;
}

function indexes(open: ReadonlyMap<string, Place>): Map<string, number> {
  return new Map([...open].map(([request, { index }]) => [request, index]));
}

/** What cannot be read is passed over: the log itself refuses to be opened with it. */
function eventOf(index: number, bytes: Buffer): Event[] {
  const record = parse(bytes);
  if (typeof record !== "object" || record === null || !("type" in record) || !("request" in record) || !("sidecar" in record)) {
    return [];
  }
  const { type, request, sidecar: writer } = record;
  const known = isEventType(type);
  return known && typeof request === "string" && typeof writer === "string" ? [{ type, request, writer, index }] : [];
}

function isEventType(type: unknown): type is Event["type"] {
  return opening.has(type) || closing.has(type);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
