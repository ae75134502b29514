import type { Event } from "@countersign/rpc";
import { Metadata } from "@grpc/grpc-js";
import { Backoff } from "./backoff.ts";
import type { Connection, Opening, Ward } from "./connection.ts";
import { type CallFailure, CountersignError, errorFromStatus, isBroken, isNeverSent } from "./errors.ts";
import type { EventCall, EventSink } from "./event-call.ts";

/** Who hears of a request's events. */
export interface Listener {
  /** Each event once, in order; `done` is the last call. What it throws ends the following. */
  event(event: Event): void;
  /** Nothing more can be learned; the last call. */
  failed(error: Error): void;
}

/**
 * Follows one request to its end. When the connection breaks, it attaches to the same request again where there is one to attach to: after
 * `pending`, or with an idempotency key. Without either, the sidecar may have run the action, so it is never sent again.
 */
export class Following implements Ward, EventSink {
  /** The request that was asked for, whatever took its place; empty until the first event. */
  requestId: string;
  readonly #connection: Connection;
  readonly #listener: Listener;
  /** There once the connection has broken: most never do. */
  #backoff: Backoff | undefined;
  #opening: Opening;
  #call: EventCall | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sequence = -1;
  /** Whether the request is in the sidecar's store, so that it can be attached to by its id. */
  #stored: boolean;
  /** Whether result data has arrived. */
  #begun = false;
  #sent = false;
  #paused = false;
  #over = false;

  constructor(connection: Connection, opening: Opening, listener: Listener) {
    this.#connection = connection;
    this.#opening = opening;
    this.#listener = listener;
    this.requestId = opening.type === "watch" ? opening.requestId : opening.type === "line" ? opening.request.requestId : "";
    // What became of a line its plan tells: it is never sent again.
    this.#stored = opening.type === "watch" || (opening.type === "execute" && opening.submit.idempotencyKey !== "");
    connection.wards.add(this);
    this.#connect();
  }

  /** Stops taking messages: the sidecar waits. */
  pause(): void {
    this.#paused = true;
    this.#call?.pause();
  }

  /** Goes on after {@link pause}. */
  resume(): void {
    this.#paused = false;
    this.#call?.resume();
  }

  /** Goes away; the listener hears nothing more. A held request that nobody else follows, and that was not submitted, is cancelled. */
  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#connection.wards.delete(this);
    this.#call?.cancel();
  }

  /** Ends with an error. */
  abandon(error: Error): void {
    if (this.#over) return;
    this.stop();
    this.#listener.failed(error);
  }

  #connect(): void {
    try {
      const metadata = this.#connection.metadata();
      if (metadata instanceof Metadata) this.#open(metadata);
      else metadata.then((ready) => this.#over || this.#open(ready)).catch((error) => this.abandon(error));
    } catch (error) {
      // Later, as everything else: the caller has not got this object yet.
      queueMicrotask(() => this.abandon(asError(error)));
    }
  }

  #open(metadata: Metadata): void {
    this.#call = this.#connection.open(this.#opening, metadata, this);
    if (this.#paused) this.#call.pause();
  }

  /** Hears of its call. */
  events(events: readonly Event[]): void {
    this.#backoff?.reset();
    this.#sent = true;
    for (const event of events) {
      const kind = event.event?.$case;
      if (this.#over || (event.sequence <= this.#sequence && kind !== "done")) continue;
      this.#sequence = event.sequence;
      // What takes its place is numbered on under its id, so that it is what is attached to again.
      if (this.requestId === "") this.requestId = event.requestId;
      if (event.event?.$case === "decided" && this.#opening.type === "execute")
        this.#connection.decidedBy(event.event.value.decision?.policyDigest ?? "");
      if (kind === "pending") this.#stored = true;
      if (kind === "columns" || kind === "response" || (event.event && "data" in event.event.value)) this.#begun = true;
      if (kind === "done") {
        this.#over = true;
        this.#connection.wards.delete(this);
      }
      try {
        this.#listener.event(event);
      } catch (error) {
        this.#over = false;
        this.abandon(asError(error));
      }
    }
  }

  /** Hears that its call has ended. */
  ended(failure: CallFailure | undefined): void {
    if (this.#over) return;
    const hopeless = failure !== undefined && (!isBroken(failure) || (isNeverSent(failure) && !this.#sent));
    const opening = hopeless ? undefined : this.#again();
    this.#backoff ??= new Backoff();
    const pause = opening && this.#backoff.next();
    if (opening === undefined || pause === undefined) {
      this.abandon(this.#lost(failure));
      return;
    }
    this.#sent = true;
    this.#opening = opening;
    this.#timer = setTimeout(() => this.#connect(), pause);
  }

  /** How to attach again; `undefined` when there is nothing that can safely be attached to. */
  #again(): Opening | undefined {
    if (!this.#stored) return undefined;
    if (this.requestId === "") return this.#opening;
    return { type: "watch", requestId: this.requestId, afterSequence: Math.max(this.#sequence, 0) };
  }

  #lost(failure: CallFailure | undefined): CountersignError {
    const { requestId } = this;
    const { address } = this.#connection;
    if (failure !== undefined && (requestId === "" || !this.#sent || !isBroken(failure))) {
      const { code, message, retryable, targetCode } = errorFromStatus(failure, address);
      return new CountersignError(code, message, { retryable, requestId, targetCode, cause: failure });
    }
    if (this.#begun && !this.#stored) {
      const message =
        "The connection to the sidecar broke while the result arrived: the statement ran, and the rest of its result is lost.";
      return new CountersignError("result_gone", message, { requestId, cause: failure });
    }
    const message = `The connection to the sidecar at ${address} broke and did not come back; the action may have run.`;
    return new CountersignError("sidecar_unreachable", message, { requestId, cause: failure });
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
