import type { Readable } from "node:stream";
import type { Limits } from "@countersign/policy";
import type { ResultSink } from "../connector.ts";
import { cancelledFailure, limitFailure } from "./failure.ts";
import type { Stop } from "./stop.ts";

/**
 * The way of a command's output to the caller's sink: cut at exactly the limit, and held up when the sink is slow. Both streams wait together,
 * so that no more than one window of each is in memory.
 */
export class Output {
  /** Given to the sink. */
  bytes = 0;
  readonly #sink: ResultSink;
  readonly #limits: Limits;
  readonly #stop: Stop;
  readonly #sources: Readable[] = [];
  /** Settled when everything that came has been taken. */
  #taken: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(sink: ResultSink, limits: Limits, stop: Stop) {
    this.#sink = sink;
    this.#limits = limits;
    this.#stop = stop;
  }

  /** Follows a stream. */
  from(source: Readable, stream: "stdout" | "stderr"): void {
    this.#sources.push(source);
    source.on("data", (data: Buffer) => this.give(data, stream));
  }

  /** Gives bytes on; `false` when the caller is behind and the source should wait for {@link drained}. */
  give(data: Uint8Array, stream: "stdout" | "stderr"): boolean {
    const most = (this.#limits.bytes ?? Number.POSITIVE_INFINITY) - this.bytes;
    const part = data.length > most ? data.subarray(0, Math.max(most, 0)) : data;
    if (data.length > most && this.#limits.bytes !== undefined) this.#stop.request(limitFailure("bytes", this.#limits.bytes));
    if (part.length === 0) return true;
    this.bytes += part.length;
    const chunk = { type: "output", stream, data: part } as const;
    if (this.#waiting === 0) {
      const wait = this.#sink(chunk);
      if (wait === undefined) return true;
      this.#wait(wait);
    } else this.#wait(this.#taken.then(() => this.#sink(chunk)));
    return false;
  }

  /** Resolves when the sink has taken all that came, or nobody waits for it any more. */
  async drained(): Promise<void> {
    await Promise.race([this.#taken, this.#stop.abandoned]);
  }

  #wait(taking: Promise<void>): void {
    this.#waiting++;
    for (const source of this.#sources) source.pause();
    const untaken = () => this.#stop.abandon(cancelledFailure());
    this.#taken = taking.catch(untaken).then(() => {
      this.#waiting--;
      if (this.#waiting === 0) for (const source of this.#sources) source.resume();
    });
  }
}
