import type { Allow, LineOperation } from "@countersign/policy";
import { beginLine, endLine, endText, openLine, type RowStart, recordLines, rowText } from "./journal-lines.ts";
import { OperationIndex } from "./operation-index.ts";
import type { Passage, PassageEnd } from "./passage.ts";
import { SharedRecord } from "./shared-record.ts";

/** What a live record has of its journal. */
export interface RecordJournal {
  /** Notes lines; they are written with the next flush. */
  note(lines: string): void;
  /** A passage was noted. Gives what it has to wait for, besides the flush. */
  begun(passage: LivePassage, durable: boolean): Promise<void> | undefined;
  /** The record takes no more passages, and none of its own runs. */
  due(record: LiveRecord): void;
  /** Memory that is held until the record is in the log, bytes. */
  holds(bytes: number): void;
}

/** How far a record is. `open` takes passages; `closed` waits for those that run; `due` waits for the log. */
export type RecordStage = "open" | "closed" | "due";

/** Row and line, as far as they are not the texts in them. */
const passageBytes = 100;

const stillRunning = { state: "running", rows: 0, bytes: 0, durationMs: 0 } as const;

/** A shared record while its passages run. */
export class LiveRecord {
  readonly record: SharedRecord;
  /** The decision that opened it: others that say the same go into the same record. */
  readonly decision: Allow | undefined;
  /** What is held in memory for it, bytes. */
  held = 0;
  readonly #journal: RecordJournal;
  readonly #index = new OperationIndex();
  /** In no order: each knows its place. */
  readonly #running: LivePassage[] = [];
  readonly #recorded = Promise.withResolvers<void>();
  #stage: RecordStage = "open";
  #count = 0;

  constructor(journal: RecordJournal, record: SharedRecord, decision?: Allow) {
    this.#journal = journal;
    this.record = record;
    this.decision = decision;
    this.#hold(1000);
  }

  get stage(): RecordStage {
    return this.#stage;
  }

  /** Passages so far. */
  get count(): number {
    return this.#count;
  }

  /** Passages that have not ended. */
  get running(): number {
    return this.#running.length;
  }

  /** Resolves when it is in the log; with the second part, when that is. */
  get recorded(): Promise<void> {
    return this.#recorded.promise;
  }

  /** Notes that it is there; before its first passage. */
  open(): void {
    this.#journal.note(openLine(this.record));
  }

  begin(operation: LineOperation, nowMs: number, durable: boolean): Passage {
    const { serial, openedMs } = this.record;
    const index = this.#index.of(operation);
    const { added = "" } = this.#index;
    if (added !== "") this.record.addOperation(added);
    const parameters = operation.kind === "postgres.query" ? parametersText(operation.parameters) : "[]";
    const start = { n: this.#count++, operation: index, at: Math.round(nowMs - openedMs), parameters };
    this.#journal.note(beginLine(serial, start, added));
    this.#hold(passageBytes + parameters.length + added.length);
    const passage = new LivePassage(this, start, this.#running.length);
    this.#running.push(passage);
    passage.ready = this.#journal.begun(passage, durable);
    return passage;
  }

  /** A passage has ended. */
  ended(passage: LivePassage, how: PassageEnd): void {
    if (!this.#leave(passage)) return;
    const { start } = passage;
    const text = endText(how);
    this.record.addRow(rowText(start, text), start.at + how.durationMs, how);
    this.#journal.note(endLine(this.record.serial, start.n, text));
    if (this.#stage === "closed" && this.#running.length === 0) this.#due();
  }

  /** Takes no more passages. */
  close(): void {
    if (this.#stage !== "open") return;
    this.#stage = "closed";
    if (this.#running.length === 0) this.#due();
  }

  /** Nobody can tell any more how those that run end. */
  abandon(): void {
    this.close();
    for (const passage of [...this.#running]) passage.end({ state: "unknown", rows: 0, bytes: 0, durationMs: 0 });
  }

  /**
   * Some passages take longer than the log may wait: the record is due now, and says that they run. What becomes of them is said by its second
   * part, which is given back and noted.
   */
  split(serial: number): LiveRecord {
    const { id, terms, openedMs } = this.record;
    const second = new LiveRecord(this.#journal, new SharedRecord({ ...{ serial, id, terms, openedMs }, part: 2 }));
    second.#count = this.#count;
    second.#stage = "closed";
    void second.recorded.then(this.#recorded.resolve);
    const operations: unknown = JSON.parse(this.record.operations());
    for (const passage of this.#running.splice(0)) {
      const text = JSON.stringify(Array.isArray(operations) ? operations[passage.start.operation] : null);
      const operation = second.#index.ofText(text);
      if (second.#index.added !== undefined) second.record.addOperation(text);
      const row = rowText(passage.start, endText(stillRunning));
      this.record.addRow(row, passage.start.at, stillRunning);
      passage.moveTo(second, { ...passage.start, operation }, second.#running.length);
      second.#running.push(passage);
      second.#hold(text.length + row.length);
    }
    this.#journal.note(second.lines());
    this.#due();
    return second;
  }

  /** All that is known of it, for a journal that goes on in another segment. */
  lines(): string {
    let lines = recordLines(this.record);
    for (const { start } of this.#running) lines += beginLine(this.record.serial, start);
    return lines;
  }

  /** It is in the log. */
  settle(): void {
    const isSplit = this.record.part === 1 && this.record.runs;
    if (!isSplit) this.#recorded.resolve();
  }

  /** Whether the passage was still running; the last one takes its place. */
  #leave(passage: LivePassage): boolean {
    const running = this.#running;
    if (running[passage.place] !== passage) return false;
    const last = running.pop();
    if (last === undefined || last === passage) return true;
    last.place = passage.place;
    running[last.place] = last;
    return true;
  }

  #due(): void {
    this.#stage = "due";
    this.#journal.due(this);
  }

  #hold(bytes: number): void {
    this.held += bytes;
    this.#journal.holds(bytes);
  }
}

/** A passage that has been noted. */
export class LivePassage implements Passage {
  ready: Promise<void> | undefined;
  /** Among those of its record that run. */
  place: number;
  #record: LiveRecord;
  #start: RowStart;

  constructor(record: LiveRecord, start: RowStart, place: number) {
    this.#record = record;
    this.#start = start;
    this.place = place;
  }

  get start(): RowStart {
    return this.#start;
  }

  get request(): string {
    return this.#record.record.id;
  }

  end(how: PassageEnd): void {
    this.#record.ended(this, how);
  }

  /** Its end is told in another record. */
  moveTo(record: LiveRecord, start: RowStart, place: number): void {
    this.#record = record;
    this.#start = start;
    this.place = place;
  }
}

/** As JSON. By hand: most are a few short texts. */
function parametersText(parameters: Extract<LineOperation, { kind: "postgres.query" }>["parameters"]): string {
  let json = "";
  for (const one of parameters) {
    const isPlain = one !== null && "text" in one && plain.test(one.text);
    json += `${json && ","}${isPlain ? `{"text":"${one.text}"}` : JSON.stringify(one)}`;
  }
  return `[${json}]`;
}

/** What stands in JSON as it is. */
const plain = /^[ !#-[\]-~]{0,64}$/;
