import type { CallFrame, ErrorInfo, Event } from "@countersign/rpc";
import { dataBytes } from "../chunk-forms.ts";
import type { Viewer } from "../event-writer.ts";

/** Given as the reason of every abort: an error of its own for each call would cost a stack trace. */
export const gone = "The caller went away.";

/** The stream that a call shares with others. */
export interface FrameStream {
  /** Whether a call should wait before it sends more; `proceed` is called when that changes. */
  readonly full: boolean;
  /** Adds a frame; `bytes` is about its size. */
  put(frame: CallFrame, bytes: number): void;
}

/** A caller who is this far behind with taking rows makes its call wait, bytes; the protocol names the number. */
const windowBytes = 512 * 1024;
/** What a frame without rows counts as, bytes. */
const smallBytes = 256;

/** One call of a shared stream. A caller that reads slowly makes this call wait and no other. */
export class SharedCall implements Viewer {
  readonly #number: number;
  readonly #stream: FrameStream;
  readonly #left = new AbortController();
  readonly signal: AbortSignal = this.#left.signal;
  /** How many bytes of rows the caller has not taken yet. */
  #behind = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #ended = false;

  constructor(number: number, stream: FrameStream) {
    this.#number = number;
    this.#stream = stream;
  }

  send(events: Event[]): void | Promise<void> {
    if (this.#ended) return;
    let bytes = 0;
    for (const { event } of events) bytes += dataBytes(event);
    this.#behind += bytes;
    const last = events.at(-1)?.event?.$case === "done";
    this.#put(events, undefined, last, bytes);
    if (last || !this.#blocked()) return;
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Nothing more comes, for this reason. Does nothing after the outcome was sent. */
  end(failure?: ErrorInfo): void {
    if (!this.#ended) this.#put([], failure, true, 0);
  }

  /** The caller has taken so many more bytes of rows. */
  credit(bytes: number): void {
    this.#behind = Math.max(0, this.#behind - bytes);
    this.proceed();
  }

  /** The caller goes away. */
  leave(): void {
    this.#ended = true;
    this.#left.abort(gone);
    this.proceed();
  }

  /** Lets the sender go on if nothing holds it any more. */
  proceed(): void {
    if (this.#waiting === undefined || this.#blocked()) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  #blocked(): boolean {
    return !this.#ended && (this.#behind >= windowBytes || this.#stream.full);
  }

  #put(events: Event[], failure: ErrorInfo | undefined, last: boolean, bytes: number): void {
    this.#ended = last;
    this.#stream.put({ call: this.#number, events, failure, last }, smallBytes + bytes);
  }
}
