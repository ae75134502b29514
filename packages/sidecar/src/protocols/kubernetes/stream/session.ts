import type { Limits } from "@countersign/policy";
import type { ResultSink } from "../../connector.ts";
import type { Stop } from "../../stop.ts";
import type { StreamError, StreamMessage } from "./codec.ts";
import { SessionOutput } from "./session-output.ts";
import { StatusReader, type StreamEnd } from "./status.ts";
import type { StreamListener, TargetStream } from "./target-stream.ts";

/** After its Status the target has so long to close, milliseconds. */
const closingMs = 2000;

/** What is heard of one session: its output goes on, its end is kept. */
export class Session implements StreamListener {
  readonly #output: SessionOutput;
  readonly #status = new StatusReader();
  readonly #said = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<StreamError | undefined>();
  #target: TargetStream | undefined;
  #end: StreamEnd | undefined;

  readonly #onStatus: (bytes: Buffer) => void;

  /** @param onStatus hears the error stream, as it comes. */
  constructor(sink: ResultSink, limits: Limits, stop: Stop, onStatus: (bytes: Buffer) => void) {
    this.#onStatus = onStatus;
    this.#output = new SessionOutput(sink, limits, stop, (isHeld) => this.#target?.hold(isHeld));
  }

  /** How the target says that it ended. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  /** Bytes of output that were given on. */
  get bytes(): number {
    return this.#output.bytes;
  }

  message(message: StreamMessage): void {
    if (message.type === "close") return;
    const { channel, data } = message;
    if (channel === "stdout" || channel === "stderr") this.#output.give(data, channel);
    if (channel !== "error" || data.length === 0 || this.#end !== undefined || !this.#status.add(data)) return;
    this.#onStatus(data);
    this.#end = this.#status.read();
    if (this.#end !== undefined) this.#said.resolve();
  }

  closed(breach: StreamError | undefined): void {
    this.#over.resolve(breach);
  }

  /** Resolves when it is over and all of its output was taken. Gives what the target sent that it may not. */
  async follow(target: TargetStream): Promise<StreamError | undefined> {
    this.#target = target;
    await Promise.race([this.#over.promise, this.#said.promise]);
    const late = setTimeout(() => target.cut(), closingMs);
    target.close();
    const breach = await this.#over.promise;
    clearTimeout(late);
    await this.#output.drained();
    return breach;
  }
}
