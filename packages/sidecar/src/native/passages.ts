import type { Allow } from "@countersign/policy";
import type { LiveRecord } from "./live-record.ts";
import type { Passage, PassageConnection, PassageStart, Passages } from "./passage.ts";

/** What a connection's passages have of the journal. */
export interface PassageJournal {
  readonly bounds: { readonly count: number; readonly bytes: number };
  /** @throws {AuditError} `unavailable`: nothing may be sent. */
  check(): void;
  now(): number;
  /**
   * Opens a record for passages that share a decision.
   *
   * @throws {AuditError} `unavailable`.
   */
  record(connection: PassageConnection, start: PassageStart): LiveRecord;
}

/** Decisions that a connection may have a record open for at once: traffic often goes back and forth between a few. */
const mostOpen = 4;

/** The passages of one connection: those about which a record says the same share one. */
export class ConnectionPassages implements Passages {
  readonly #journal: PassageJournal;
  readonly #connection: PassageConnection;
  /** Those that may take passages, the one used last first. */
  #open: LiveRecord[] = [];
  /** Those that take none any more and may still have passages that run. */
  #closing: LiveRecord[] = [];

  constructor(journal: PassageJournal, connection: PassageConnection) {
    this.#journal = journal;
    this.#connection = connection;
  }

  begin(start: PassageStart): Passage {
    this.#journal.check();
    const record = this.#recordFor(start);
    const passage = record.begin(start.operation, this.#journal.now(), !start.readOnly);
    const { count, bytes } = this.#journal.bounds;
    if (record.count >= count || record.record.size >= bytes) this.#close(record);
    return passage;
  }

  async close(): Promise<void> {
    const records = [...this.#closing, ...this.#open];
    this.#open = [];
    this.#closing = [];
    for (const record of records) record.abandon();
    await Promise.all(records.map((record) => record.recorded));
  }

  #recordFor(start: PassageStart): LiveRecord {
    const { decision, readOnly } = start;
    for (let at = 0; at < this.#open.length; at++) {
      const record = this.#open[at];
      if (record === undefined || !fits(record, decision, readOnly)) continue;
      if (record.stage === "open") {
        if (at > 0) this.#open = [record, ...this.#open.filter((other) => other !== record)];
        return record;
      }
      this.#close(record);
      break;
    }
    const record = this.#journal.record(this.#connection, start);
    const last = this.#open[mostOpen - 1];
    if (last !== undefined) this.#close(last);
    this.#open.unshift(record);
    return record;
  }

  #close(record: LiveRecord): void {
    record.close();
    this.#open = this.#open.filter((other) => other !== record);
    this.#closing = [...this.#closing.filter((other) => other.running > 0), record];
  }
}

/** Whether what a record says of its passages is true of one more. */
function fits({ record: { terms }, decision }: LiveRecord, other: Allow, readOnly: boolean): boolean {
  if (terms.readOnly !== readOnly || decision === undefined) return false;
  return decision === other || termsOf(decision) === termsOf(other);
}

const texts = new WeakMap<Allow, string>();

/** All of a decision but what the caller is told. */
function termsOf(decision: Allow): string {
  let text = texts.get(decision);
  if (text === undefined) {
    const { message: _, ...terms } = decision;
    text = JSON.stringify(terms);
    texts.set(decision, text);
  }
  return text;
}
