import { unlink } from "node:fs/promises";
import { AuditError } from "@countersign/audit";
import { type Disk, Segment } from "./journal-segment.ts";
import type { LivePassage, LiveRecord } from "./live-record.ts";
import type { FlushWaiting } from "./passage.ts";
import { type SyncGroup, syncGroup } from "./sync-group.ts";

/** What a journal's files are made of. */
export interface JournalFileOptions {
  readonly folder: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Names this process's files: 32 hex digits, random. */
  readonly run: string;
  /** A segment that has grown to this is followed by another, bytes. */
  readonly segmentBytes: number;
  /** Every record that is not in the log yet: written again when a file fails. */
  readonly live: () => Iterable<LiveRecord>;
  readonly onInternalError: (error: unknown) => void;
  readonly disk: Disk;
}

/** Longest time until something written is being synced; with the sync itself it stays under the promised 100 ms. */
const syncDelayMs = 50;
/** Older segments that are kept for records which are not in the log yet; then these records are written again. */
const mostSegments = 4;
/** With so many in a turn, one write less is worth more than a first one that goes ahead by what the others take (measured). */
const crowd = 4;
const firstRetryMs = 200;
const longestRetryMs = 5_000;

/**
 * The files of a journal. What a turn of the event loop notes is two writes at most, for its first passage and for all others, one where turns are
 * crowded, and what waits for the disk shares a sync.
 */
export class JournalFile {
  readonly #options: JournalFileOptions;
  readonly #segments: Segment[] = [];
  /** The first segment that a record needs. */
  readonly #first = new WeakMap<LiveRecord, Segment>();
  #current: Segment;
  #number = 0;
  #lines = "";
  #begun: LivePassage[] = [];
  #waiting: FlushWaiting[] = [];
  /** The end of this turn is waited for. */
  #scheduled = false;
  /** Something of this turn was written already: what follows in it shares one write. */
  #busy = false;
  /** How many have waited in this turn; and whether they were many in the last one. */
  #waited = 0;
  #crowded = false;
  /** Of passages that are not flushed yet, and of those that are. */
  #noted: SyncGroup | undefined;
  #flushed: SyncGroup[] = [];
  #syncing: Promise<void> | undefined;
  #late: NodeJS.Timeout | undefined;
  #failure: AuditError | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #turnEnds = (): void => {
    this.#scheduled = this.#busy = false;
    this.#crowded = this.#waited >= crowd;
    this.#waited = 0;
    if (this.#waiting.length > 0 || this.#begun.length > 0) this.flush();
    this.#current.prepare();
  };

  /** @throws what the file system says. */
  constructor(options: JournalFileOptions) {
    this.#options = options;
    this.#current = this.#next();
  }

  /** Why nothing can be noted now. */
  get failure(): AuditError | undefined {
    return this.#failure;
  }

  /** Notes lines for the next flush. While the files fail it does nothing: all that is known is written again then. */
  note(lines: string): void {
    if (this.#failure === undefined) this.#lines += lines;
  }

  /** A record's first line is noted. */
  enter(record: LiveRecord): void {
    this.#first.set(record, this.#current);
    this.#current.records++;
  }

  /** A record needs no file any more. */
  leave(record: LiveRecord): void {
    const segment = this.#first.get(record);
    if (segment === undefined) return;
    this.#first.delete(record);
    segment.records--;
    this.#removeOld();
  }

  /** A passage is noted that is about to be sent. Gives what it has to wait for, besides the flush. */
  begun(passage: LivePassage, durable: boolean): Promise<void> | undefined {
    this.#begun.push(passage);
    this.#schedule();
    if (!durable) return undefined;
    this.#noted ??= syncGroup();
    this.#noted.passages.push(passage);
    return this.#noted.promise;
  }

  /** The first of a turn is written at once: on a quiet connection nobody else is waited for. In a crowd it shares the write of the others. */
  afterFlush(waiting: FlushWaiting): void {
    this.#waiting.push(waiting);
    this.#waited++;
    this.#schedule();
    if (this.#busy || this.#crowded) return;
    this.#busy = true;
    this.flush();
  }

  /** Writes what is noted, now. Those who wait for it go on, in order, or hear that they must not. */
  flush(): void {
    const lines = this.#lines;
    const begun = this.#begun;
    const waiting = this.#waiting;
    const group = this.#noted;
    this.#lines = "";
    if (begun.length > 0) this.#begun = [];
    if (waiting.length > 0) this.#waiting = [];
    this.#noted = undefined;
    if (this.#failure === undefined && lines !== "") {
      try {
        this.#current.append(lines);
      } catch (error) {
        this.#fail(error);
      }
    }
    if (this.#failure !== undefined) this.#refuse(this.#failure, begun, waiting, group);
    else {
      if (group !== undefined) this.#flushed.push(group);
      this.#syncSoon();
      for (const one of waiting) this.#tell(one);
      if (this.#current.size >= this.#options.segmentBytes) this.#rotate();
    }
  }

  /** Resolves when all that was flushed is on disk. Never fails: {@link failure} says it. */
  sync(): Promise<void> {
    this.#syncing ??= this.#syncAll().finally(() => (this.#syncing = undefined));
    return this.#syncing;
  }

  /** @param remove All of it is in the log. */
  async close(remove: boolean): Promise<void> {
    clearTimeout(this.#retry);
    clearTimeout(this.#late);
    this.flush();
    await this.sync();
    this.#failure ??= new AuditError("unavailable", "The journal is closed.");
    for (const segment of this.#segments) {
      await segment.close();
      if (remove) await unlink(segment.path);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After all that this turn's sockets have brought, and before the loop looks at them again.
    setImmediate(this.#turnEnds);
  }

  #tell(one: FlushWaiting, why?: AuditError): void {
    try {
      if (why === undefined) one.flushed();
      else one.refused(why);
    } catch (error) {
      this.#options.onInternalError(error);
    }
  }

  #refuse(why: AuditError, begun: readonly LivePassage[], waiting: readonly FlushWaiting[], group: SyncGroup | undefined): void {
    for (const passage of begun) passage.end(unsent);
    group?.reject(why);
    for (const one of waiting) this.#tell(one, why);
  }

  #syncSoon(): void {
    if (this.#flushed.length > 0) void this.sync();
    else this.#late ??= setTimeout(() => void this.sync(), syncDelayMs).unref();
  }

  async #syncAll(): Promise<void> {
    clearTimeout(this.#late);
    this.#late = undefined;
    do {
      const groups = this.#flushed;
      this.#flushed = [];
      try {
        await Promise.all(this.#segments.filter(({ dirty }) => dirty).map((segment) => segment.sync()));
        for (const group of groups) group.resolve();
      } catch (error) {
        const why = this.#fail(error);
        for (const { passages, reject } of [...groups, ...this.#flushed.splice(0)]) {
          for (const passage of passages) passage.end(unsent);
          reject(why);
        }
      }
      // What was flushed meanwhile shares the next sync.
    } while (this.#flushed.length > 0);
  }

  #next(): Segment {
    const { folder, key, run, disk } = this.#options;
    const segment = new Segment(folder, { run, number: ++this.#number }, key, disk);
    this.#segments.push(segment);
    this.#current = segment;
    return segment;
  }

  #rotate(): void {
    try {
      this.#next();
      this.#removeOld();
      const [oldest] = this.#segments;
      if (oldest !== undefined && this.#segments.length > mostSegments) this.#carry(oldest);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes the records that need a segment, or an older one than the current, once more, so that it can be removed. */
  #carry(from?: Segment): void {
    const moving: { readonly record: LiveRecord; readonly first: Segment }[] = [];
    // What is noted already is part of what is known of a record: it comes before.
    let lines = this.#lines;
    for (const record of this.#options.live()) {
      const first = this.#first.get(record);
      if (first === undefined || first === this.#current || (from !== undefined && first !== from)) continue;
      lines += record.lines();
      moving.push({ record, first });
    }
    if (lines !== "") this.#current.append(lines);
    this.#lines = "";
    for (const { record } of moving) {
      this.#first.set(record, this.#current);
      this.#current.records++;
    }
    void this.#leaveAfterSync(moving.map(({ first }) => first));
  }

  async #leaveAfterSync(left: readonly Segment[]): Promise<void> {
    // A sync that is under way began before.
    await this.#syncing;
    await this.sync();
    for (const segment of left) segment.records--;
    if (this.#failure === undefined) this.#removeOld();
  }

  #removeOld(): void {
    for (let [oldest] = this.#segments; oldest !== undefined && oldest !== this.#current; [oldest] = this.#segments) {
      if (oldest.records > 0) return;
      this.#segments.shift();
      void remove(oldest).catch(this.#options.onInternalError);
    }
  }

  /** Nothing passes from now on, until all that is known of what did is written to another segment. */
  #fail(error: unknown): AuditError {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The journal of what is allowed cannot be written, so nothing is run: ${reason}. Free disk space or repair the data folder.`;
    this.#failure ??= new AuditError("unavailable", message, { cause: error });
    this.#lines = "";
    this.#retryIn(firstRetryMs);
    return this.#failure;
  }

  #retryIn(ms: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      const failure = this.#failure;
      try {
        this.#next();
        this.#carry();
        this.#failure = undefined;
      } catch {
        this.#failure = failure;
        this.#retryIn(Math.min(2 * ms, longestRetryMs));
      }
    }, ms).unref();
  }
}

const unsent = { state: "unsent", rows: 0, bytes: 0, durationMs: 0 } as const;

async function remove(segment: Segment): Promise<void> {
  await unlink(segment.path);
  await segment.close();
}
