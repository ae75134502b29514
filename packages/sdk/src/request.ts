import { type CancelResponse, RequestState } from "@countersign/rpc";
import { Assembly } from "./assembly.ts";
import type { Connection, Opening } from "./connection.ts";
import { CountersignError } from "./errors.ts";
import { eventFromWire, outputFromWire, type RequestEvent, statusAfter } from "./event.ts";
import type { TypeParsers } from "./field-reader.ts";
import { type Outcome, type RequestStatus, statusFromWire } from "./outcome.ts";
import { PullStream } from "./pull-stream.ts";
import { awaitOutcome, follow, type Waiting } from "./waiting.ts";

/** What is known of a request when its handle is made. */
export interface Known {
  /** Empty when policy denied it: then there is no request to follow, and `refusal` says why. */
  readonly id: string;
  readonly digest: string;
  readonly approvalUrl: string;
  readonly status: RequestStatus;
  readonly refusal?: string;
}

/** A request that lives on without its caller: the sidecar runs it when it is approved, and keeps the result for a day. */
export class RequestHandle {
  readonly #known: Known;
  readonly #connection: Connection;
  readonly #types: TypeParsers;
  #digest: string;
  #approvalUrl: string;
  #status: RequestStatus;

  constructor(known: Known, connection: Connection, types: TypeParsers) {
    this.#known = known;
    this.#digest = known.digest;
    this.#approvalUrl = known.approvalUrl;
    this.#status = known.status;
    this.#connection = connection;
    this.#types = types;
  }

  /** `req_…`; `cs.request(id)` attaches again after a crash. Empty when policy denied it. */
  get id(): string {
    return this.#known.id;
  }

  /** Digest of the action, `sha256:<hex>`; empty until it is known. */
  get digest(): string {
    return this.#digest;
  }

  /** Where an approver sees it; empty when no approval is needed. */
  get approvalUrl(): string {
    return this.#approvalUrl;
  }

  /** Where it stood at the last event that this handle has seen; `events` and `result` see more. */
  get status(): RequestStatus {
    return this.#status;
  }

  /**
   * All that happened to it and will happen, from the beginning; ends after `done`. The result comes as `rows` events, of a command as `stdout`
   * and `stderr`, of an HTTP request as `response` and `body`.
   *
   * Iterating throws {@link CountersignError}: `timeout`, `aborted`, `sidecar_unreachable`.
   */
  events(waiting: Waiting = {}): AsyncIterableIterator<RequestEvent, undefined> & AsyncDisposable {
    return new PullStream<RequestEvent>((stream) => {
      if (this.#known.refusal !== undefined) {
        const error = this.#refused(this.#known.refusal);
        stream.push(() => [{ type: "done", sequence: 0, requestId: "", time: new Date(), state: "denied", error }]);
        stream.end();
        return { pause() {}, resume() {}, stop() {} };
      }
      const assembly = new Assembly<Record<string, unknown>>("object", this.#types);
      return follow(this.#connection, this.#opening(), waiting, {
        event: (wire) => {
          const chunk = assembly.take(wire);
          const event = eventFromWire(wire);
          const output = outputFromWire(wire);
          if (output !== undefined) stream.push(() => [output]);
          else if (event !== undefined) {
            this.#learn(event);
            stream.push(() => [event]);
          } else if (chunk !== undefined) {
            stream.push(() => {
              const rows: Record<string, unknown>[] = [];
              assembly.read(chunk, rows);
              const { sequence, requestId, timeMs } = wire;
              return [
                { type: "rows", sequence, requestId, time: new Date(timeMs), columns: assembly.reader?.columns ?? [], rows },
              ];
            });
          }
          if (event?.type === "done") stream.end();
        },
        failed: (error) => stream.end({ error }),
      });
    });
  }

  /**
   * Waits for its end. A decision is an outcome, never an error.
   *
   * @throws {CountersignError} `timeout` and `aborted` (the request goes on), `sidecar_unreachable`, `not_found`.
   */
  async result<Row = Record<string, unknown>>(waiting: Waiting = {}): Promise<Outcome<Row>> {
    const { refusal } = this.#known;
    if (refusal !== undefined) return { ...nothing, digest: this.#digest, state: "denied", error: this.#refused(refusal) };
    const onEvent: Waiting["onEvent"] = (event) => {
      this.#learn(event);
      waiting.onEvent?.(event);
    };
    const outcome = await awaitOutcome<Row>(
      this.#connection,
      this.#opening(),
      { mode: "object", types: this.#types },
      { ...waiting, onEvent },
    );
    return { ...outcome, digest: outcome.digest || this.#digest };
  }

  /**
   * Cancels it: at once while it is held, as a best effort while it runs. Gives the state after it: `cancelled`, or `executing` when the
   * target was asked to stop and has not answered yet.
   *
   * @throws {CountersignError} `not_cancellable` when it has ended.
   */
  async cancel(): Promise<RequestStatus> {
    if (this.#known.refusal !== undefined)
      throw new CountersignError("not_cancellable", "Policy denied it; there is nothing to cancel.");
    const { state } = await this.#connection.unary<CancelResponse>((client, metadata, done) =>
      client.cancel({ requestId: this.id }, metadata, done),
    );
    this.#status = state === RequestState.EXECUTING ? "executing" : statusFromWire(state);
    return this.#status;
  }

  #opening(): Opening {
    return { type: "watch", requestId: this.id, afterSequence: 0 };
  }

  #learn(event: RequestEvent): void {
    this.#status = statusAfter(event) ?? this.#status;
    if (event.type === "pending") this.#approvalUrl = event.approvalUrl;
    if (event.type === "decided" && event.digest !== "") this.#digest = event.digest;
  }

  #refused(message: string): CountersignError {
    return new CountersignError("denied", message);
  }
}

/** The outcome of what never ran. */
const nothing = { requestId: "", command: "", rowCount: null, columns: [], rows: [], durationMs: 0, resultGone: false } as const;
