import { type LogEntry, type OpenIntent, TILE_WIDTH } from "@countersign/audit";
import type { Database } from "better-sqlite3";
import { logSize, readRecords } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** What opens and closes an intent. */
type Event = Pick<LogEntry, "type" | "request" | "writer" | "index">;

interface Place {
  readonly writer: string;
  readonly index: number;
}

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
    const intents = new OpenIntents(new Map(rows.map(({ request, writer, idx }) => [request, { writer, index: idx }])));
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
    for (const { type, request, writer, index } of entries) {
      if (type === "intent" && request !== undefined) openIntent.run(request, writer, index);
      else if (type === "outcome" && request !== undefined) closeIntent.run(request);
    }
  }

  /** Takes records into account, once they are stored. */
  stored(entries: readonly Event[]): void {
    for (const { type, request, writer, index } of entries) {
      if (request === undefined) continue;
      if (type === "intent" && !this.#open.has(request)) this.#open.set(request, { writer, index });
      else if (type === "outcome") this.#open.delete(request);
    }
  }

  /** The table is up to date: what {@link write} wrote was committed, and is {@link stored}. */
  written(): void {
    this.#kept = indexes(this.#open);
  }
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
  const known = type === "intent" || type === "outcome";
  return known && typeof request === "string" && typeof writer === "string" ? [{ type, request, writer, index }] : [];
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
