import type { CallerFrame, MultiplexRequest, MultiplexResponse, SubmitRequest } from "@countersign/rpc";
import { type ClientDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import type { CallFailure } from "./errors.ts";
import type { EventCall, EventSink } from "./event-call.ts";
import { SharedCall } from "./shared-call.ts";

/** The gRPC stream that many calls share. */
export type MultiplexStream = ClientDuplexStream<MultiplexRequest, MultiplexResponse>;

/** Further calls take streams of their own; well below what a sidecar takes. */
const mostCalls = 1000;
/** Larger actions take streams of their own, so that none can exceed what the sidecar takes in one message; characters. */
const largestAction = 16 * 1024;
/** Frames that arise in one turn of the event loop travel in one message, unless it would grow beyond this, characters. */
const messageSize = 32 * 1024;
/** An open stream keeps the process alive: one that nobody uses is ended soon, ms. */
const idleMs = 50;

/** What a stream tells of itself. */
export interface MultiplexParts {
  /** Opens a call of its own, for a sidecar that knows no shared streams. */
  readonly plain: (submit: SubmitRequest, sink: EventSink) => EventCall;
  /** The sidecar knows no shared streams: others need not be tried. */
  readonly unknown: () => void;
}

/**
 * Many Executes on one stream: an HTTP/2 stream for each would cost several times as much as the rest of a short call. To each call a broken
 * stream looks like a broken call of its own.
 */
export class Multiplex {
  readonly #stream: MultiplexStream;
  readonly #parts: MultiplexParts;
  readonly #calls = new Map<number, SharedCall>();
  #frames: CallerFrame[] = [];
  #size = 0;
  #scheduled = false;
  #lastCall = 0;
  /** The greatest number that was handed to the transport. */
  #lastWritten = 0;
  /** The greatest number that a sidecar which ended the stream looked at. */
  #lastSeen: number | undefined;
  /** Whether the sidecar has said anything. */
  #heard = false;
  #failure: ServiceError | undefined;
  /** Takes no new calls. */
  #closing = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(stream: MultiplexStream, parts: MultiplexParts) {
    this.#stream = stream;
    this.#parts = parts;
    stream.on("data", (response: MultiplexResponse) => this.#take(response));
    // grpc-js reports the failure before the messages in front of it were read; `end` comes after them.
    stream.on("error", (error: ServiceError) => {
      this.#failure = error;
      this.#closing = true;
    });
    stream.on("end", () => this.#ended());
  }

  /** Whether an action may travel here. */
  takes(submit: SubmitRequest): boolean {
    return !this.#closing && this.#calls.size < mostCalls && sizeOf(submit) <= largestAction;
  }

  /** Whether it is about to end: new calls need another stream. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Starts a call. */
  execute(submit: SubmitRequest, sink: EventSink): EventCall {
    const number = ++this.#lastCall;
    const call = new SharedCall(number, submit, sink, this);
    this.#calls.set(number, call);
    this.#put({ call: number, frame: { $case: "execute", value: submit } }, sizeOf(submit));
    return call;
  }

  /** Ends the stream when its calls have ended; new ones go elsewhere. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#endWhenIdle();
  }

  /** Cuts the stream: for the sidecar, all callers go away. */
  cancel(): void {
    this.#closing = true;
    clearTimeout(this.#idle);
    this.#calls.clear();
    this.#stream.cancel();
  }

  /** A call's caller goes away. */
  leave(call: SharedCall): void {
    if (!this.#calls.delete(call.number)) return;
    if (call.number > this.#lastWritten) this.#frames = this.#frames.filter((frame) => frame.call !== call.number);
    else this.#put({ call: call.number, frame: { $case: "leave", value: {} } }, 0);
    this.#settle();
  }

  /** A call's caller has taken so many bytes of rows. */
  credit(call: SharedCall, bytes: number): void {
    if (this.#calls.has(call.number)) this.#put({ call: call.number, frame: { $case: "credit", value: bytes } }, 0);
  }

  /** Adds a frame to the next message. */
  #put(frame: CallerFrame, size: number): void {
    this.#frames.push(frame);
    this.#size += size;
    if (this.#size >= messageSize) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    if (this.#failure !== undefined || this.#lastSeen !== undefined || this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#size = 0;
    this.#lastWritten = this.#lastCall;
    this.#stream.write({ frames });
    this.#endWhenIdle();
  }

  #take({ frames, lastCall }: MultiplexResponse): void {
    this.#heard = true;
    for (const frame of frames) {
      const call = this.#calls.get(frame.call);
      if (frame.last) this.#calls.delete(frame.call);
      call?.take(frame);
    }
    if (lastCall !== undefined) {
      this.#lastSeen = lastCall;
      this.#closing = true;
    }
    this.#settle();
  }

  #ended(): void {
    this.#closing = true;
    clearTimeout(this.#idle);
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    // A sidecar that does not know the method has not looked at what was asked.
    const unknown = this.#failure?.code === status.UNIMPLEMENTED && !this.#heard;
    if (unknown) this.#parts.unknown();
    for (const call of calls) {
      if (unknown) call.move(this.#parts.plain);
      else call.end(this.#neverSent(call.number) ? neverSent : this.#failure);
    }
  }

  /** Whether it is certain that the sidecar has not looked at a call. */
  #neverSent(number: number): boolean {
    return number > this.#lastWritten || (this.#lastSeen !== undefined && number > this.#lastSeen);
  }

  /** Ends the stream if it stays unused: without a timer for each call. */
  #settle(): void {
    if (this.#calls.size > 0) return;
    if (this.#closing) this.#endWhenIdle();
    else this.#idle ??= this.#watch();
  }

  #watch(): NodeJS.Timeout {
    const seen = this.#lastCall;
    return setTimeout(() => {
      this.#idle = undefined;
      if (this.#calls.size > 0) return;
      if (this.#lastCall === seen) this.close();
      else this.#settle();
    }, idleMs);
  }

  #endWhenIdle(): void {
    if (this.#closing && this.#calls.size === 0 && this.#frames.length === 0) this.#stream.end();
  }
}

const neverSent: CallFailure = {
  code: status.UNAVAILABLE,
  details: "The connection ended before the call was sent.",
  neverSent: true,
};

/** About how large an action is, in characters (of at most 3 bytes). */
function sizeOf(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return 8 + value.length;
  if (typeof value !== "object" || value === null) return 8;
  let size = 8;
  for (const one of Object.values(value)) size += sizeOf(one);
  return size;
}
