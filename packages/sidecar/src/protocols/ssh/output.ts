import type { Readable } from "node:stream";
import type { Limits } from "@countersign/policy";
import type { ResultSink } from "../connector.ts";
import type { Stop } from "../stop.ts";
import { cancelledFailure, limitFailure } from "./failure.ts";

type Stream = "stdout" | "stderr";

/** So much waits for a slow sink, in one piece for each stretch of the same stream; then the sources are held up. */
const mostWaiting = 256 * 1024;

/** The way of a command's output to the caller's sink: cut at exactly the limit, gathered while the sink is busy, and held up when it is slow. */
export class Output {
  /** Given to the sink, or about to be. */
  bytes = 0;
  readonly #sink: ResultSink;
  readonly #limits: Limits;
  readonly #stop: Stop;
  readonly #sources: Readable[] = [];
  readonly #waiting: { readonly stream: Stream; readonly parts: Uint8Array[] }[] = [];
  #waitingBytes = 0;
  #busy: Promise<void> | undefined;

  constructor(sink: ResultSink, limits: Limits, stop: Stop) {
    this.#sink = sink;
    this.#limits = limits;
    this.#stop = stop;
  }

  /** Follows a stream. */
  from(source: Readable, stream: Stream): void {
    this.#sources.push(source);
    source.on("data", (data: Buffer) => this.give(data, stream));
  }

  /** Gives bytes on; `false` when the caller is behind and the source should wait for {@link drained}. */
  give(data: Uint8Array, stream: Stream): boolean {
    const most = (this.#limits.bytes ?? Number.POSITIVE_INFINITY) - this.bytes;
    const part = data.length > most ? data.subarray(0, Math.max(most, 0)) : data;
    if (data.length > most && this.#limits.bytes !== undefined) this.#stop.request(limitFailure("bytes", this.#limits.bytes));
    if (part.length === 0) return true;
    this.bytes += part.length;
    if (this.#busy !== undefined) return this.#wait(part, stream);
    const taking = this.#sink({ type: "output", stream, data: part });
    if (taking !== undefined) this.#busy = this.#drain(taking);
    return true;
  }

  /** Resolves when the sink has taken all that came, or nobody waits for it any more. */
  async drained(): Promise<void> {
    await Promise.race([this.#busy, this.#stop.abandoned]);
  }

  #wait(part: Uint8Array, stream: Stream): boolean {
    const last = this.#waiting.at(-1);
    if (last?.stream === stream) last.parts.push(part);
    else this.#waiting.push({ stream, parts: [part] });
    this.#waitingBytes += part.length;
    if (this.#waitingBytes < mostWaiting) return true;
    // Both wait together: each has a window of its own, and one that is read alone would open both.
    for (const source of this.#sources) source.pause();
    return false;
  }

  async #drain(first: Promise<void>): Promise<void> {
    try {
      await first;
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const data = Buffer.concat(next.parts);
        this.#waitingBytes -= data.length;
        for (const source of this.#sources) source.resume();
        await this.#sink({ type: "output", stream: next.stream, data });
      }
    } catch {
      this.#waiting.length = 0;
      this.#waitingBytes = 0;
      this.#stop.abandon(cancelledFailure());
    } finally {
      this.#busy = undefined;
    }
  }
}
