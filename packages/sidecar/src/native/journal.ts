import { mkdir } from "node:fs/promises";
import { AuditError, type AuditLog } from "@countersign/audit";
import { newRequestId, type TargetIdentity } from "@countersign/policy";
import { JournalFile } from "./journal-file.ts";
import { recoverJournal } from "./journal-recovery.ts";
import { type Disk, disk } from "./journal-segment.ts";
import { type LivePassage, LiveRecord, type RecordJournal } from "./live-record.ts";
import type { FlushWaiting, PassageConnection, PassageStart, Passages } from "./passage.ts";
import { ConnectionPassages, type PassageJournal } from "./passages.ts";
import { Recording } from "./recording.ts";
import { SharedRecord } from "./shared-record.ts";

/** What a journal needs. */
export interface JournalOptions {
  /** Its own; made if it is not there. */
  readonly folder: string;
  /** 32 bytes; every frame is encrypted with a key made of it (AES-256-GCM). */
  readonly key: Uint8Array;
  readonly audit: AuditLog;
  readonly writer: string;
  /** Everything that is allowed waits for the disk, not only what may write. */
  readonly strict: boolean;
  /** What a role of a resource leads to, as it is in an action. */
  readonly target: (resource: string, role: string) => TargetIdentity;
  readonly now: () => number;
  /** Unguessable bytes, each given out once. */
  readonly random: (size: number) => Buffer;
  readonly onInternalError: (error: unknown) => void;
  readonly bounds?: Partial<JournalBounds>;
  /** The real one, unless a test has its own. */
  readonly disk?: Disk;
}

/** Where what is shared ends. */
export interface JournalBounds {
  /** Passages of one record. */
  readonly count: number;
  /** Payload of one record; a single larger passage has one of its own. */
  readonly bytes: number;
  /** From its first passage until it takes no more, milliseconds. */
  readonly ageMs: number;
  /** From its first passage until it is recorded, though some still run, milliseconds. */
  readonly lingerMs: number;
  /** How often that is looked at, milliseconds. */
  readonly tickMs: number;
  /** Memory for what is not in the log yet. Beyond, passages wait; at twice as much they are refused. */
  readonly memoryBytes: number;
  /** One file. */
  readonly segmentBytes: number;
}

const defaultBounds: JournalBounds = {
  count: 1_000,
  bytes: 256 * 1024,
  ageMs: 1_000,
  lingerMs: 10_000,
  tickMs: 100,
  memoryBytes: 64 * 1024 * 1024,
  segmentBytes: 16 * 1024 * 1024,
};

/**
 * What is allowed on its way to the audit log: noted in an encrypted file before it is sent, so that it survives the death of the process, and
 * gathered into records that the operations of one connection share. A record leaves the file when it is in the log, on disk.
 */
export class Journal implements RecordJournal, PassageJournal, AsyncDisposable {
  readonly bounds: JournalBounds;
  readonly #options: JournalOptions;
  readonly #file: JournalFile;
  readonly #recording: Recording;
  /** Every record that is not in the log yet, oldest first. */
  readonly #live = new Set<LiveRecord>();
  #held = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #serial = 0;
  #ticker: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: JournalOptions) {
    this.bounds = { ...defaultBounds, ...options.bounds };
    this.#options = options;
    const { folder, key, random, onInternalError, audit, writer, now } = options;
    const run = random(16).toString("hex");
    const { segmentBytes } = this.bounds;
    const own = { run, segmentBytes, disk: options.disk ?? disk };
    this.#file = new JournalFile({ ...{ folder, key, onInternalError }, ...own, live: () => this.#live });
    this.#recording = new Recording({ audit, writer, now, recorded: (record) => this.#recorded(record) });
  }

  /**
   * Records what a predecessor noted and did not record any more, then opens the journal.
   *
   * @throws {AuditError} when the log cannot be written; whatever the file system says.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await recoverJournal(options);
    return new Journal(options);
  }

  /** Begins to note the passages of a connection. */
  passages(connection: PassageConnection): Passages {
    return new ConnectionPassages(this, connection);
  }

  /** Has somebody told when what was noted in this turn of the event loop is with the operating system; in order. */
  afterFlush(waiting: FlushWaiting): void {
    this.#file.afterFlush(waiting);
  }

  record({ connection, principal, resource, session, reason }: PassageConnection, start: PassageStart): LiveRecord {
    this.check();
    const { issuer, subject, groups } = principal;
    const { now, random, target } = this.#options;
    const { role, rules, limits, policyDigest: policy } = start.decision;
    const who = { connection, principal: { issuer, subject, groups }, resource, session, reason };
    const terms = { ...who, ...{ role, rules, limits, policy }, target: target(resource, role), readOnly: start.readOnly };
    const openedMs = Math.round(now());
    const id = newRequestId(openedMs, random(16));
    const record = new LiveRecord(
      this,
      new SharedRecord({ serial: ++this.#serial, id, part: 1, terms, openedMs }),
      start.decision,
    );
    this.#enter(record);
    record.open();
    return record;
  }

  check(): void {
    const failure = this.#file.failure ?? this.#recording.failure;
    if (failure !== undefined) throw new AuditError(failure.code, failure.message, { cause: failure });
    if (this.#closed) throw new AuditError("unavailable", "The journal is closed.");
    if (this.#held >= 2 * this.bounds.memoryBytes) {
      throw new AuditError("unavailable", "More is allowed than the audit log takes; try again.");
    }
  }

  now(): number {
    return this.#options.now();
  }

  note(lines: string): void {
    this.#file.note(lines);
  }

  begun(passage: LivePassage, durable: boolean): Promise<void> | undefined {
    const synced = this.#file.begun(passage, durable || this.#options.strict);
    if (this.#held < this.bounds.memoryBytes) return synced;
    this.#room ??= Promise.withResolvers<void>();
    return synced === undefined ? this.#room.promise : Promise.all([synced, this.#room.promise]).then(() => {});
  }

  due(record: LiveRecord): void {
    this.#recording.add(record);
  }

  holds(bytes: number): void {
    this.#held += bytes;
  }

  /** Ends all records and brings them into the log; what cannot be recorded now stays in the files for the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    for (const record of this.#live) record.abandon();
    this.#file.flush();
    await this.#file.close(await this.#recording.finish());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(record: LiveRecord): void {
    this.#live.add(record);
    this.#file.enter(record);
    this.#ticker ??= setInterval(() => this.#tick(), this.bounds.tickMs).unref();
  }

  /** Ends what is old, records what is due, and writes down what has ended since. */
  #tick(): void {
    const nowMs = this.now();
    const isFull = this.#held >= this.bounds.memoryBytes;
    for (const record of this.#live) {
      const age = nowMs - record.record.openedMs;
      if (record.stage === "open" && (isFull || age >= this.bounds.ageMs)) record.close();
      if (record.stage === "closed" && record.record.part === 1 && age >= this.bounds.lingerMs) {
        this.#enter(record.split(++this.#serial));
      }
    }
    this.#file.flush();
    this.#recording.start();
    if (this.#live.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #recorded(record: LiveRecord): void {
    this.#live.delete(record);
    this.#held -= record.held;
    this.#file.leave(record);
    record.settle();
    if (this.#room === undefined || this.#held >= this.bounds.memoryBytes) return;
    this.#room.resolve();
    this.#room = undefined;
  }
}
