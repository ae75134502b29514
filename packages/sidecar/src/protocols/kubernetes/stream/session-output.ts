import type { Limits } from "@countersign/policy";
import type { ResultSink } from "../../connector.ts";
import type { Stop } from "../../stop.ts";
import { cancelledFailure, limitFailure } from "./failure.ts";

/** So much waits for a slow sink; then the target is held up. */
const mostWaiting = 256 * 1024;

/** The way of a session's output to the caller's sink: in order, cut at exactly the limit, and held up when the sink is slow. */
export class SessionOutput {
  /** Given to the sink, or about to be. */
  bytes = 0;
  readonly #sink: ResultSink;
  readonly #limits: Limits;
  readonly #stop: Stop;
  readonly #hold: (isHeld: boolean) => void;
  #waiting = 0;
  #busy: Promise<void> | undefined;

  /** @param hold holds the source up, or lets it go on. */
  constructor(sink: ResultSink, limits: Limits, stop: Stop, hold: (isHeld: boolean) => void) {
    this.#sink = sink;
    this.#limits = limits;
    this.#stop = stop;
    this.#hold = hold;
  }

  give(data: Buffer, stream: "stdout" | "stderr"): void {
    // What was on its way when it was cut is not given any more.
    if (this.#stop.signal.aborted) return;
    const { bytes: limit } = this.#limits;
    const most = (limit ?? Number.POSITIVE_INFINITY) - this.bytes;
    const part = data.length > most ? data.subarray(0, Math.max(most, 0)) : data;
    if (part.length > 0) {
      this.bytes += part.length;
      this.#take(part, stream);
    }
    if (limit !== undefined && data.length > most) this.#stop.request(limitFailure("bytes", limit));
  }

  /** Resolves when the sink has taken all that came, or nobody waits for it any more. */
  async drained(): Promise<void> {
    await Promise.race([this.#busy, this.#stop.abandoned]);
  }

  #take(data: Buffer, stream: "stdout" | "stderr"): void {
    const give = () => this.#sink({ type: "output", stream, data });
    try {
      const taking = this.#busy === undefined ? give() : this.#busy.then(give);
      if (taking === undefined) return;
      this.#waiting += data.length;
      if (this.#waiting > mostWaiting) this.#hold(true);
      const busy: Promise<void> = taking.then(
        () => this.#taken(data.length, busy),
        () => this.#stop.abandon(cancelledFailure()),
      );
      this.#busy = busy;
    } catch {
      this.#stop.abandon(cancelledFailure());
    }
  }

  #taken(size: number, busy: Promise<void>): void {
    this.#waiting -= size;
    if (this.#busy === busy) this.#busy = undefined;
    if (this.#waiting <= mostWaiting) this.#hold(false);
  }
}
