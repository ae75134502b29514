import { ProtocolViolation } from "../codec.ts";
import type { TransactionStatus } from "../exchange.ts";
import type { Expected } from "./expected.ts";
import { fieldOf, readParameterStatus, readTag, server } from "./server-message.ts";

/** What comes of the server's answers besides what is passed on. Called in the turn in which they come. */
export interface RepliesHandler {
  /** Bytes for the client, in order; whole messages but for rows and copied data, which may be cut anywhere. */
  toClient(bytes: Buffer): void;
  /** One statement of a text is complete: the one of number `entry.completed`. */
  completed(entry: Expected): void;
  /** The whole answer came, and it was no error. */
  answered(entry: Expected): void;
  /** An Execute gave the rows that it asked for; the portal has more. */
  suspended(entry: Expected): void;
  /** Fewer answers are due than before. */
  advanced(): void;
  /** The server refused it, or the limits did. */
  failed(entry: Expected): void;
  /** The server does not look at it because of an earlier error. */
  skipped(entry: Expected): void;
  /** After an error nothing counts before a Sync that the client has not sent yet. */
  lost(): void;
  ready(status: TransactionStatus): void;
  /** It is the turn of a ReadyForQuery of ours. */
  ownReady(): void;
  /** A limit of the policy was reached by the operation that runs now. */
  limit(entry: Expected): void;
  /** It was complete before it could be stopped, and its pipeline goes on at the server, but not for the client. */
  overtaken(): void;
  /** What the client is told of it, then. */
  limitReached(entry: Expected): Buffer;
  /** The server waits for data to copy. */
  copyIn(entry: Expected): "pass" | "keep";
  drifted(name: string, value: string): boolean;
  /** The server ends the session, and has said so. */
  serverEnds(): void;
  /** The session is not what it was: nothing of the answer counts. */
  broken(message: string): void;
}

const headerBytes = 5;
/** A message other than a row that is larger than this is no answer to anything; bytes. */
const largestMessage = 16 * 1024 * 1024;
const letters: ReadonlySet<number> = new Set(Object.values(server));

/**
 * The server's answers, matched with what was asked, first in first out. What needs no look at is passed on as the bytes that it came as:
 * of a row only the header is read.
 */
export class Replies {
  readonly #handler: RepliesHandler;
  #due: Expected[] = [];
  #first = 0;
  /** Bytes of a row or of copied data that are still to come, and whether they are passed on. */
  #left = 0;
  #passes = false;
  #partial: Buffer | undefined;
  #filled = 0;
  /** Messages of ours that wait for the end of a row. */
  #aside: Buffer[] = [];
  #chunk: Buffer = Buffer.alloc(0);
  /** What of the chunk was looked at and not yet passed on begins here. */
  #from = 0;

  constructor(handler: RepliesHandler) {
    this.#handler = handler;
  }

  /** How many answers are due. */
  get due(): number {
    return this.#due.length - this.#first;
  }

  /** Whether a ReadyForQuery is due, so that the status may be another by then. */
  get awaitsReady(): boolean {
    for (let index = this.#first; index < this.#due.length; index++) {
      const kind = this.#due[index]?.kind;
      if (kind === "query" || kind === "sync") return true;
    }
    return false;
  }

  /** The answer that comes next. */
  get next(): Expected | undefined {
    return this.#due[this.#first];
  }

  /** What was sent is to be answered thus. An answer of ours that is its turn is given at once. */
  expect(entry: Expected): void {
    this.#due.push(entry);
    if (this.due === 1) this.#giveOwn();
  }

  /** Bytes of ours that belong to no answer (a notice), between two messages of the server. */
  interpose(message: Buffer) {
    if (this.#left > 0) this.#aside.push(message);
    else this.#handler.toClient(message);
  }

  /** Whether the client is in the middle of a message. */
  get midMessage(): boolean {
    return this.#left > 0 && this.#passes;
  }

  /** Nothing more is expected; gives what was due. */
  abandon(): readonly Expected[] {
    const due = this.#due.slice(this.#first);
    this.#due = [];
    this.#first = 0;
    return due;
  }

  /**
   * The server copies now: a Sync up to the end of the copied data is ignored (§53.2.6). Gives whether that end was sent already.
   */
  dropIgnoredSyncs(): boolean {
    const rest = this.#due.slice(this.#first);
    const end = rest.findIndex(({ kind }) => kind === "copy-end");
    this.#due = rest.filter(({ kind }, index) => kind !== "sync" || (end !== -1 && index > end));
    this.#first = 0;
    return end !== -1;
  }

  /**
   * Takes the server's next bytes.
   *
   * @throws {ProtocolViolation} when they are no answer to what was asked.
   */
  push(chunk: Buffer) {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) at = this.#stream(chunk, at);
      else if (this.#partial) at = this.#fill(chunk, at);
      else at = this.#scan(chunk, at);
    }
  }

  #stream(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    this.next?.rows?.push(chunk.subarray(at, end));
    if (this.#passes) this.#handler.toClient(end - at === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.#left === 0) for (const message of this.#aside.splice(0)) this.#handler.toClient(message);
    return end;
  }

  #keep(chunk: Buffer, at: number, length: number): number {
    this.#partial = Buffer.allocUnsafe(length);
    this.#filled = chunk.copy(this.#partial, 0, at);
    return chunk.length;
  }

  #fill(chunk: Buffer, at: number): number {
    const whole = this.#partial ?? chunk;
    const taken = chunk.copy(whole, this.#filled, at);
    this.#filled += taken;
    if (this.#filled < whole.length) return at + taken;
    this.#partial = undefined;
    const size = sizeOf(whole, 0);
    if (whole.length < size && !isStreamed(whole[0] ?? 0)) this.#keep(whole, 0, size);
    else this.#scan(whole, 0);
    return at + taken;
  }

  /** Goes through the messages from `at` on; what is passed on goes in one piece as far as possible. */
  #scan(chunk: Buffer, start: number): number {
    let at = start;
    this.#chunk = chunk;
    this.#from = start;
    while (chunk.length - at >= headerBytes) {
      const type = chunk[at] ?? 0;
      const size = sizeOf(chunk, at);
      const end = at + size;
      if (isStreamed(type)) {
        const passes = this.#row(type, size - headerBytes, at);
        if (!passes) this.#pass(at);
        if (end > chunk.length) {
          if (passes) this.#pass(chunk.length);
          this.next?.rows?.push(chunk.subarray(at + headerBytes));
          this.#left = end - chunk.length;
          this.#passes = passes;
          return chunk.length;
        }
        this.next?.rows?.push(chunk.subarray(at + headerBytes, end));
        if (!passes) this.#from = end;
      } else if (end > chunk.length) {
        this.#pass(at);
        return this.#keep(chunk, at, size);
      } else {
        this.#message(type, chunk, at, end);
      }
      at = end;
    }
    this.#pass(at);
    return at === chunk.length ? at : this.#keep(chunk, at, headerBytes);
  }

  /** Passes on what was looked at before `end` and is still held. */
  #pass(end: number) {
    const { length } = this.#chunk;
    if (end > this.#from)
      this.#handler.toClient(end - this.#from === length ? this.#chunk : this.#chunk.subarray(this.#from, end));
    this.#from = end;
  }

  /** A DataRow or CopyData; whether the client gets it. */
  #row(type: number, size: number, at: number): boolean {
    const entry = this.next;
    if (entry === undefined || (entry.kind !== "query" && entry.kind !== "execute")) throw unexpected(type);
    const { running } = entry;
    if (entry.silent || entry.muted) return false;
    if (running === undefined) return true;
    if (running.limited && running.cut === undefined && !running.admits(size)) {
      this.#pass(at);
      this.#handler.limit(entry);
    }
    if (running.cut !== undefined) return false;
    running.rows++;
    running.bytes += size;
    return true;
  }

  /** Any other message, from `at` to `end`. */
  #message(type: number, chunk: Buffer, at: number, end: number) {
    switch (type) {
      case server.ready:
        return this.#ready(chunk[at + headerBytes] ?? 0, at, end);
      case server.commandComplete:
      case server.emptyQuery:
      case server.portalSuspended:
        return this.#complete(type, chunk, at, end);
      case server.error:
        return this.#error(chunk.subarray(at, end), at, end);
      case server.notice:
        // What is said about our own question is not for the client.
        if (this.next?.silent) this.#from = this.#skip(at, end);
        return;
      case server.notification:
        return;
      case server.parameterStatus: {
        const [name, value] = readParameterStatus(chunk.subarray(at, end));
        if (this.#handler.drifted(name, value)) this.#handler.broken(`${name} has changed`);
        return;
      }
      case server.copyIn: {
        const entry = this.#ran(type);
        this.#from = this.#handler.copyIn(entry) === "keep" ? this.#skip(at, end) : this.#from;
        return;
      }
      case server.copyBoth:
        throw unexpected(type);
      default:
        return this.#step(type, at, end);
    }
  }

  /** Passes on what is before a message, and not the message. */
  #skip(at: number, end: number): number {
    this.#pass(at);
    return end;
  }

  #hide(entry: Expected, at: number, end: number): void {
    if (entry.silent || entry.muted || entry.running?.cut !== undefined) this.#from = this.#skip(at, end);
  }

  #ran(type: number): Expected {
    const entry = this.next;
    if (entry === undefined || (entry.kind !== "query" && entry.kind !== "execute")) throw unexpected(type);
    return entry;
  }

  #complete(type: number, chunk: Buffer, at: number, end: number) {
    const entry = this.#ran(type);
    const { running } = entry;
    if (type === server.commandComplete && running) running.tag = readTag(chunk.subarray(at, end));
    // It was faster than our cancel; its rows were withheld all the same.
    if (running?.cut !== undefined && !entry.muted) return this.#complain(entry, at, end, true);
    this.#hide(entry, at, end);
    if (type !== server.portalSuspended) this.#handler.completed(entry);
    entry.completed++;
    if (entry.kind !== "execute") return;
    if (type === server.portalSuspended) this.#suspended(entry, end);
    else this.#answered(entry, end);
  }

  /** In the place of what the server says the client gets the error of a limit. */
  #complain(entry: Expected, at: number, end: number, isComplete = false) {
    this.#from = this.#skip(at, end);
    this.#handler.toClient(this.#handler.limitReached(entry));
    this.#handler.failed(entry);
    const ended = entry.kind === "query" || this.#due.some(({ kind }, index) => kind === "sync" && index > this.#first);
    this.#afterError(entry, end);
    if (isComplete && !ended) this.#handler.overtaken();
  }

  #error(frame: Buffer, at: number, end: number) {
    const entry = this.next;
    const severity = fieldOf(frame, "V") ?? fieldOf(frame, "S");
    // The server ends the session, whatever it was asked: that is for the client, and then the connection closes.
    if (severity === "FATAL" || severity === "PANIC") return this.#handler.serverEnds();
    if (entry === undefined) throw unexpected(server.error);
    const sqlstate = fieldOf(frame, "C");
    if (entry.running) entry.running.sqlstate = sqlstate;
    if (entry.running?.cut !== undefined && !entry.muted) return this.#complain(entry, at, end);
    this.#hide(entry, at, end);
    if (entry.bytes && !entry.silent) {
      this.#from = this.#skip(at, end);
      this.#handler.toClient(entry.bytes);
    }
    this.#handler.failed(entry);
    this.#afterError(entry, end);
  }

  /** A text goes on to its ReadyForQuery; everything else up to the next Sync is skipped by the server. */
  #afterError(entry: Expected, end: number): void {
    if (entry.kind === "query" || entry.kind === "sync") {
      entry.muted = entry.running?.cut !== undefined;
      return;
    }
    const rest = this.#due.slice(this.#first + 1);
    const sync = rest.findIndex(({ kind }) => kind === "sync");
    const skipped = sync === -1 ? rest : rest.slice(0, sync);
    this.#due = sync === -1 ? [] : rest.slice(sync);
    this.#first = 0;
    for (const one of skipped) this.#handler.skipped(one);
    if (sync === -1) this.#handler.lost();
    this.#pass(end);
    this.#giveOwn();
  }

  #ready(status: number, at: number, end: number): void {
    const entry = this.next;
    if (entry === undefined || (entry.kind !== "query" && entry.kind !== "sync")) throw unexpected(server.ready);
    if (entry.silent) this.#from = this.#skip(at, end);
    this.#handler.ready(status === 0x49 ? "I" : status === 0x54 ? "T" : "E");
    this.#answered(entry, end);
  }

  /** An answer to a single step. */
  #step(type: number, at: number, end: number): void {
    const entry = this.next;
    if (entry === undefined) throw unexpected(type);
    const { kind } = entry;
    const last = lastOf[kind];
    const isRun = kind === "query" || kind === "execute";
    if (last.includes(type)) {
      this.#hide(entry, at, end);
      this.#answered(entry, end);
    } else if ((isRun && ofResults.includes(type)) || (kind === "describe" && type === server.parameterDescription)) {
      this.#hide(entry, at, end);
    } else {
      throw unexpected(type);
    }
  }

  #answered(entry: Expected, end: number): void {
    this.#first++;
    this.#handler.answered(entry);
    this.#next(end);
  }

  #suspended(entry: Expected, end: number): void {
    this.#first++;
    this.#handler.suspended(entry);
    this.#next(end);
  }

  #next(end: number): void {
    if (this.#first > 1000) {
      this.#due = this.#due.slice(this.#first);
      this.#first = 0;
    }
    const { kind } = this.#due[this.#first] ?? {};
    if (kind === "local" || kind === "copy-end") this.#pass(end);
    this.#giveOwn();
  }

  #giveOwn(): void {
    for (let entry = this.next; entry?.kind === "local" || entry?.kind === "copy-end"; entry = this.next) {
      this.#first++;
      if (entry.bytes) this.#handler.toClient(entry.bytes);
      if (entry.ready) this.#handler.ownReady();
    }
    if (this.#first === this.#due.length) {
      this.#due.length = 0;
      this.#first = 0;
    }
    this.#handler.advanced();
  }
}

/** What ends the answer to a step. */
const lastOf: Readonly<Record<Expected["kind"], readonly number[]>> = {
  query: [],
  parse: [server.parseComplete],
  bind: [server.bindComplete],
  describe: [server.rowDescription, server.noData],
  execute: [],
  "close-statement": [server.closeComplete],
  "close-portal": [server.closeComplete],
  sync: [],
  local: [],
  "copy-end": [],
};
/** What else may stand in a result. */
const ofResults: readonly number[] = [server.rowDescription, server.copyOut, server.copyDone];

function isStreamed(type: number): boolean {
  return type === server.dataRow || type === server.copyData;
}

function sizeOf(bytes: Buffer, at: number): number {
  const type = bytes[at] ?? 0;
  const size =
    1 + (((bytes[at + 1] ?? 0) << 24) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
  if (size < headerBytes || !letters.has(type) || (size > largestMessage && !isStreamed(type))) throw unexpected(type);
  return size;
}

function unexpected(type: number): ProtocolViolation {
  return new ProtocolViolation(`The server sent a message of type 0x${type.toString(16)} that answers nothing`);
}
