import { createHash, randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { AuditLog } from "@countersign/audit";
import { CountersignError, type Digest, type Revocations } from "@countersign/policy";
import type { Persistence } from "../persist.ts";
import { type CastEvent, CastText, castHeader, castLine, sizeText, type TerminalSize } from "./cast.ts";
import { endedRecord, partRecord, type SessionAbout, type SessionEnd, startedRecord } from "./session-records.ts";

/** What recordings need of the sidecar. */
export interface RecordingParts {
  readonly audit: Pick<AuditLog, "append" | "recordsOf">;
  readonly writer: string;
  readonly persistence: Pick<Persistence, "attempt">;
  readonly revocations: Pick<Revocations, "onRevoked">;
  /** The wall clock, milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Monotonic milliseconds; default `performance.now`. */
  readonly elapsed?: () => number;
  readonly times?: RecordingTimes;
  /** Unguessable bytes; default `randomBytes`. */
  readonly random?: (size: number) => Buffer;
}

/** How long a recording may be behind, milliseconds. */
export interface RecordingTimes {
  /** Until what happened is handed to the log. */
  readonly gatherMs: number;
  /** Until the log must have it. */
  readonly slowMs: number;
}

/** What happens in a session, on its way into the audit log. */
export interface Recording {
  readonly id: string;
  /**
   * Aborted when the session must end at once; whoever runs it cuts it. Its reason is a CountersignError: `audit_unavailable` when the log does not take what
   * happens any more, `revoked` when an approver cut it.
   */
  readonly broken: AbortSignal;
  /**
   * What goes to the client. Called before or while it is sent; a promise means: wait for it before anything more is sent (backpressure).
   *
   * @throws {CountersignError} the reason of {@link broken}, also as the promise's rejection: it must not be sent.
   */
  output(data: Uint8Array): undefined | Promise<void>;
  /** What the client sends to the target. As {@link output}. */
  input(data: Uint8Array): undefined | Promise<void>;
  /** The client's terminal has another size. */
  resize(size: TerminalSize): void;
  /** A place to be found again, e.g. a command that was held. Text of others. */
  mark(text: string): void;
  /** Ends it: what is left is written, then why it ended. Never rejects: what cannot be written now is as soon as the log works. The first call counts. */
  end(end: SessionEnd): Promise<void>;
}

/** So much makes a part of its own. */
const partBytes = 64 * 1024;
/** So much may wait for the log. */
const mostWaiting = 256 * 1024;
/** One event holds so much at most. */
const eventBytes = 16 * 1024;
const usualTimes: RecordingTimes = { gatherMs: 1000, slowMs: 5000 };

/**
 * Begins a recording: that a session begins is on disk before anything of it happens.
 *
 * @throws {AuditError} `unavailable`: it must not begin.
 */
export async function startRecording(about: SessionAbout, parts: RecordingParts): Promise<Recording> {
  const startedMs = parts.now();
  const salt = (parts.random ?? randomBytes)(16).toString("base64url");
  const header = castHeader({ size: about.size, startedMs, title: about.title, salt });
  await parts.audit.append(parts.writer, [startedRecord(about, startedMs, header)], "durable");
  return new AuditedRecording(about, parts, header);
}

class AuditedRecording implements Recording {
  readonly id: string;
  readonly #about: SessionAbout;
  readonly #parts: RecordingParts;
  readonly #times: RecordingTimes;
  readonly #elapsed: () => number;
  readonly #startedMs: number;
  readonly #broken = new AbortController();
  readonly #hash = createHash("sha256");
  readonly #texts = { o: new CastText(), i: new CastText() };
  readonly #counts = { o: 0, i: 0 };
  /** Lines that are not in the log yet. */
  #lines: { readonly atMs: number; readonly text: string }[] = [];
  /** Their bytes. */
  #waiting = 0;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #ended: Promise<void> | undefined;
  readonly #following: Disposable;

  constructor(about: SessionAbout, parts: RecordingParts, header: string) {
    this.id = about.id;
    this.#about = about;
    this.#parts = parts;
    this.#times = parts.times ?? usualTimes;
    this.#elapsed = parts.elapsed ?? (() => performance.now());
    this.#startedMs = this.#elapsed();
    this.#hash.update(header);
    this.#following = parts.revocations.onRevoked((revocation) => {
      if (revocation.type === "request" && revocation.requestId === about.id)
        this.#broken.abort(new CountersignError("revoked", "An approver cut the session."));
    });
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  output(data: Uint8Array): undefined | Promise<void> {
    return this.#bytes("o", data);
  }

  input(data: Uint8Array): undefined | Promise<void> {
    return this.#bytes("i", data);
  }

  resize(size: TerminalSize): void {
    this.#add("r", sizeText(size));
  }

  mark(text: string): void {
    this.#add("m", text.toWellFormed().slice(0, 1000));
  }

  end(end: SessionEnd): Promise<void> {
    this.#ended ??= this.#end(end);
    return this.#ended;
  }

  #bytes(direction: "o" | "i", data: Uint8Array): undefined | Promise<void> {
    this.#broken.signal.throwIfAborted();
    this.#counts[direction] += data.length;
    for (let at = 0; at < data.length; at += eventBytes) {
      const text = this.#texts[direction].add(data.subarray(at, at + eventBytes));
      if (text !== "") this.#add(direction, text);
    }
    return this.#waiting > mostWaiting ? this.#caughtUp() : undefined;
  }

  async #caughtUp(): Promise<void> {
    while (this.#waiting > mostWaiting && !this.#broken.signal.aborted) await (this.#writing ?? this.#write());
    this.#broken.signal.throwIfAborted();
  }

  #add(event: CastEvent, data: string): void {
    if (this.#ended !== undefined) return;
    this.#put(event, data);
    if (this.#waiting >= partBytes) void this.#write();
    else this.#timer ??= setTimeout(() => void this.#write(), this.#times.gatherMs);
  }

  #put(event: CastEvent, data: string): void {
    const atMs = this.#elapsed() - this.#startedMs;
    const text = castLine(atMs, event, data);
    this.#lines.push({ atMs, text });
    this.#waiting += Buffer.byteLength(text);
  }

  /** One part at a time; what comes meanwhile is the next one. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeParts().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeParts(): Promise<void> {
    const late = setTimeout(() => this.#break(), this.#times.slowMs);
    try {
      do {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        await this.#writePart();
        late.refresh();
      } while (this.#waiting >= partBytes);
    } catch {
      this.#break();
    } finally {
      clearTimeout(late);
    }
  }

  /** @throws {AuditError} and what it was about is still there. */
  async #writePart(): Promise<void> {
    const { audit, writer, now } = this.#parts;
    const waiting = [...this.#lines];
    const [first] = waiting;
    if (first === undefined) return;
    const lines = Buffer.from(waiting.map(({ text }) => text).join(""));
    const draft = partRecord(this.#about, now(), { number: this.#written + 1, fromMs: first.atMs, lines });
    await audit.append(writer, [draft], "handed-over");
    this.#written++;
    this.#hash.update(lines);
    this.#lines = this.#lines.slice(waiting.length);
    this.#waiting -= lines.length;
  }

  #break(): void {
    const message = "The audit log does not take the recording of this session, so it was ended.";
    this.#broken.abort(new CountersignError("audit_unavailable", message, { retryable: true }));
  }

  async #end(end: SessionEnd): Promise<void> {
    clearTimeout(this.#timer);
    this.#following[Symbol.dispose]();
    const durationMs = this.#elapsed() - this.#startedMs;
    for (const direction of ["o", "i"] as const) {
      const rest = this.#texts[direction].end();
      if (rest !== "") this.#put(direction, rest);
    }
    await this.#parts.persistence.attempt(
      () => this.#writing ?? Promise.resolve(),
      () => this.#writePart(),
      () => this.#writeEnd(end, durationMs),
    );
  }

  async #writeEnd(end: SessionEnd, durationMs: number): Promise<void> {
    const { audit, writer, now } = this.#parts;
    // A durable append that failed may have stored it.
    if ((await audit.recordsOf(this.id)).some(isEnd)) return;
    const recording: Digest = `sha256:${this.#hash.copy().digest("hex")}`;
    const sum = { durationMs, output: this.#counts.o, input: this.#counts.i, parts: this.#written, recording };
    await audit.append(writer, [endedRecord(this.#about, now(), end, sum)], "durable");
  }
}

/** Whether a record, which is our own, says that a session has ended. */
function isEnd(record: Uint8Array): boolean {
  const { type } = JSON.parse(Buffer.from(record).toString()) as { type?: unknown };
  return type === "session.ended";
}
