import type { TransactionStatus } from "../exchange.ts";
import { type Expected, isHeard, isShown, lastOf, ofResults } from "./expected.ts";
import { HiddenWords } from "./hidden-words.ts";
import { headerBytes, type ServerFrameHandler, ServerFrames, unexpected } from "./server-frames.ts";
import { fieldOf, readParameterDescription, readParameterStatus, readTag, server } from "./server-message.ts";

/** What comes of the server's answers besides what is passed on. Called in the turn in which they come. */
export interface RepliesHandler {
  /** Bytes for the client, in order; whole messages but for rows and copied data, which may be cut anywhere. */
  toClient(bytes: Buffer): void;
  /** One statement of a text is complete: the one of number `entry.completed`. */
  completed(entry: Expected): void;
  /** The whole answer came. */
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
  /** The message of a ReadyForQuery of ours, whose turn it is. */
  ownReady(): Buffer;
  /** A limit of the policy was reached by the operation that runs now. */
  limit(entry: Expected): void;
  /** What the client is told of it, then. */
  limitReached(entry: Expected): Buffer;
  /** It was complete before it could be stopped, and its pipeline goes on at the server, but not for the client. */
  overtaken(): void;
  /** The server waits for data to copy; whether the client is to know. */
  copyIn(entry: Expected): boolean;
  /** The server reports a setting. */
  reported(name: string, value: string): void;
  /** The server ends the session, and has said so. */
  serverEnds(): void;
}

/** The server's answers, matched with what was asked, first in first out. What needs no look at is passed on as the bytes that it came as. */
export class Replies implements ServerFrameHandler {
  readonly #handler: RepliesHandler;
  readonly #frames: ServerFrames;
  readonly #words = new HiddenWords();
  #due: Expected[] = [];
  #first = 0;

  constructor(handler: RepliesHandler) {
    this.#handler = handler;
    this.#frames = new ServerFrames(this);
  }

  /** How many answers are due. */
  get due(): number {
    return this.#due.length - this.#first;
  }

  /** Whether a ReadyForQuery is due, so that the status may be another by then. */
  get awaitsReady(): boolean {
    return this.#due.some(({ kind }, index) => index >= this.#first && (kind === "query" || kind === "sync"));
  }

  /** The answer that comes next. */
  get next(): Expected | undefined {
    return this.#due[this.#first];
  }

  /** Whether the client is in the middle of a row. */
  get midMessage(): boolean {
    return this.#frames.midMessage;
  }

  /** What was sent is to be answered thus. An answer of ours that is its turn is given at once. */
  expect(entry: Expected): void {
    this.#due.push(entry);
    if (this.due === 1) this.#giveOwn();
  }

  /** A message of ours that belongs to no answer (a notice), between two messages of the server. */
  interpose(message: Buffer): void {
    this.#frames.say(message);
  }

  /** Nothing more is expected; gives what was due. */
  abandon(): readonly Expected[] {
    const due = this.#due.slice(this.#first);
    this.#due = [];
    this.#first = 0;
    return due;
  }

  /** The server copies now: a Sync up to the end of the copied data is ignored (§53.2.6). Gives whether that end was sent already. */
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
  push(chunk: Buffer): void {
    this.#frames.push(chunk);
  }

  toClient(bytes: Buffer): void {
    this.#handler.toClient(bytes);
  }

  row(type: number, size: number): boolean {
    const entry = this.#ran(type);
    const { running } = entry;
    if (entry.silent || entry.muted) return false;
    if (running === undefined) return true;
    if (running.limited && running.cut === undefined && !running.admits(size)) this.#handler.limit(entry);
    if (running.cut !== undefined) return false;
    running.rows++;
    running.bytes += size;
    return running.masked === undefined || running.masked.begin(type, size);
  }

  part(bytes: Buffer): void {
    const entry = this.next;
    entry?.rows?.push(Buffer.from(bytes));
    const row = entry?.running?.masked?.take(bytes);
    if (row) this.#frames.say(row);
  }

  message(type: number, chunk: Buffer, at: number, end: number): boolean {
    switch (type) {
      case server.ready:
        return this.#ready(chunk[at + headerBytes] ?? 0);
      case server.commandComplete:
        return this.#complete(type, readTag(chunk, at, end));
      case server.emptyQuery:
      case server.portalSuspended:
        return this.#complete(type);
      case server.error:
        return this.#error(chunk.subarray(at, end));
      case server.notice:
        // What is said about our own question is not for the client.
        return this.next?.silent !== true && this.#shows(chunk.subarray(at, end));
      case server.notification:
        return true;
      case server.parameterStatus:
        this.#handler.reported(...readParameterStatus(chunk.subarray(at, end)));
        return true;
      case server.copyIn:
        return this.#handler.copyIn(this.#ran(type));
      case server.parameterDescription:
        if (this.next?.describes) this.next.describes.described = readParameterDescription(chunk.subarray(at, end));
        return this.#step(type);
      case server.rowDescription:
        this.next?.running?.masked?.describe(chunk, at, end);
        return this.#step(type);
      default:
        return this.#step(type);
    }
  }

  /** The entry that runs something. */
  #ran(type: number): Expected {
    const entry = this.next;
    if (entry === undefined || (entry.kind !== "query" && entry.kind !== "execute")) throw unexpected(type);
    return entry;
  }

  #complete(type: number, tag?: string): boolean {
    const entry = this.#ran(type);
    const { running } = entry;
    if (tag !== undefined && running) running.tag = tag;
    if (running?.masked) this.#words.completed(running);
    running?.masked?.end();
    // It was faster than our cancel; its rows were withheld all the same.
    if (running?.cut !== undefined && !entry.muted) return this.#complain(entry, true);
    const passes = isShown(entry);
    if (type !== server.portalSuspended) this.#handler.completed(entry);
    entry.completed++;
    if (entry.kind === "execute") {
      this.#first++;
      if (type === server.portalSuspended) this.#handler.suspended(entry);
      else this.#handler.answered(entry);
      this.#giveOwn();
    }
    return passes;
  }

  /** In the place of what the server says the client gets the error of a limit. */
  #complain(entry: Expected, isComplete: boolean): false {
    this.#frames.say(this.#handler.limitReached(entry));
    this.#handler.failed(entry);
    const goesOn =
      isComplete && entry.kind === "execute" && !this.#due.some(({ kind }, index) => kind === "sync" && index > this.#first);
    this.#afterError(entry);
    if (goesOn) this.#handler.overtaken();
    return false;
  }

  #error(frame: Buffer): boolean {
    const entry = this.next;
    const severity = fieldOf(frame, "V") ?? fieldOf(frame, "S");
    // The server ends the session, whatever it was asked: that is for the client, and then the connection closes.
    if (severity === "FATAL" || severity === "PANIC") {
      this.#handler.serverEnds();
      return this.#shows(frame);
    }
    if (entry === undefined) throw unexpected(server.error);
    if (entry.running) entry.running.sqlstate = fieldOf(frame, "C");
    if (entry.running?.cut !== undefined && !entry.muted) return this.#complain(entry, false);
    const passes = isHeard(entry) && entry.bytes === undefined && this.#shows(frame);
    if (entry.bytes && !entry.silent) this.#frames.say(entry.bytes);
    this.#handler.failed(entry);
    this.#afterError(entry);
    return passes;
  }

  /** Whether the client gets the server's own words; otherwise it is given others. */
  #shows(frame: Buffer): boolean {
    const other = this.#words.inPlaceOf(frame, this.next);
    if (other) this.#frames.say(other);
    return other === undefined;
  }

  /** A text goes on to its ReadyForQuery; everything else up to the next Sync is skipped by the server. */
  #afterError(entry: Expected): void {
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
    this.#giveOwn();
  }

  #ready(status: number): boolean {
    const entry = this.next;
    if (entry === undefined || (entry.kind !== "query" && entry.kind !== "sync")) throw unexpected(server.ready);
    const now = status === 0x49 ? "I" : status === 0x54 ? "T" : "E";
    this.#words.ready(now);
    this.#handler.ready(now);
    this.#answered(entry);
    return !entry.silent;
  }

  /** An answer to a single step. */
  #step(type: number): boolean {
    const entry = this.next;
    if (entry === undefined) throw unexpected(type);
    const { kind } = entry;
    const passes = isShown(entry);
    const isRun = kind === "query" || kind === "execute";
    if (lastOf[kind].includes(type)) this.#answered(entry);
    else if (!(isRun && ofResults.includes(type)) && !(kind === "describe" && type === server.parameterDescription))
      throw unexpected(type);
    return passes;
  }

  #answered(entry: Expected): void {
    this.#first++;
    this.#handler.answered(entry);
    this.#giveOwn();
  }

  /** Gives the answers of ours whose turn it is. */
  #giveOwn(): void {
    for (let entry = this.next; entry?.kind === "local" || entry?.kind === "copy-end"; entry = this.next) {
      this.#first++;
      if (entry.bytes) this.#frames.say(entry.bytes);
      if (entry.ready) this.#frames.say(this.#handler.ownReady());
    }
    if (this.#first === this.#due.length || this.#first > 1000) {
      this.#due = this.#first === this.#due.length ? emptied(this.#due) : this.#due.slice(this.#first);
      this.#first = 0;
    }
    this.#handler.advanced();
  }
}

function emptied(due: Expected[]): Expected[] {
  due.length = 0;
  return due;
}
