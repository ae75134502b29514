import type { CallFrame, Event, SubmitRequest } from "@countersign/rpc";
import { status } from "@grpc/grpc-js";
import type { CallFailure } from "./errors.ts";
import type { EventCall, EventSink } from "./event-call.ts";

/** Credit is given when so much was taken: half of the window that every sidecar gives, bytes. */
const creditBytes = 256 * 1024;

/** The stream that a call shares with others. */
export interface FrameStream {
  /** The caller goes away. */
  leave(call: SharedCall): void;
  /** The caller has taken so many bytes of its result. */
  credit(call: SharedCall, bytes: number): void;
}

/** One call of a shared stream. */
export class SharedCall implements EventCall {
  readonly number: number;
  readonly #submit: SubmitRequest;
  readonly #sink: EventSink;
  readonly #stream: FrameStream;
  /** The call of its own that it had to become. */
  #own: EventCall | undefined;
  #paused = false;
  /** Bytes of results that came since credit was last given. */
  #taken = 0;

  constructor(number: number, submit: SubmitRequest, sink: EventSink, stream: FrameStream) {
    this.number = number;
    this.#submit = submit;
    this.#sink = sink;
    this.#stream = stream;
  }

  pause(): void {
    this.#paused = true;
    this.#own?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#own?.resume();
    this.#giveCredit();
  }

  cancel(): void {
    if (this.#own === undefined) this.#stream.leave(this);
    else this.#own.cancel();
  }

  take({ events, failure, last }: CallFrame): void {
    this.#taken += last ? 0 : dataBytes(events);
    if (events.length > 0) this.#sink.events(events);
    if (last) this.#sink.ended(failure && { code: status.UNKNOWN, details: failure.message, info: failure });
    else this.#giveCredit();
  }

  end(failure: CallFailure | undefined): void {
    this.#sink.ended(failure);
  }

  /** Goes on as a call of its own. */
  move(open: (submit: SubmitRequest, sink: EventSink) => EventCall): void {
    this.#own = open(this.#submit, this.#sink);
    if (this.#paused) this.#own.pause();
  }

  #giveCredit(): void {
    if (this.#paused || this.#taken < creditBytes) return;
    this.#stream.credit(this, this.#taken);
    this.#taken = 0;
  }
}

function dataBytes(events: readonly Event[]): number {
  let bytes = 0;
  for (const { event } of events) if (event !== undefined && "data" in event.value) bytes += event.value.data.length;
  return bytes;
}
