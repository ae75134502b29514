import type { Duplex } from "node:stream";
import { StartUpRefusal } from "./start-up-refusal.ts";

/** The client went away, or never said a word: nobody has to be told. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** Reads whole pieces off a client's stream, and leaves the rest in it. */
export class StartUpReader {
  readonly #stream: Duplex;
  readonly #signal: AbortSignal;

  /** @param signal ends every wait with its reason, which is a StartUpRefusal. */
  constructor(stream: Duplex, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
  }

  /**
   * Exactly so many bytes.
   *
   * @throws {ClientGone} when the client ends before.
   */
  async take(size: number): Promise<Buffer> {
    for (;;) {
      if (this.#signal.aborted) throw reasonOf(this.#signal);
      const bytes: unknown = this.#stream.read(size);
      if (Buffer.isBuffer(bytes)) {
        // At its end a stream gives what it has.
        if (bytes.length === size) return bytes;
        throw new ClientGone();
      }
      if (this.#stream.readableEnded || this.#stream.destroyed) throw new ClientGone();
      await this.#more();
    }
  }

  /** Whether the client has sent what nobody asked for yet. */
  get isAhead(): boolean {
    return this.#stream.readableLength > 0;
  }

  #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const events = ["readable", "end", "close", "error"];
    const done = () => resolve();
    for (const event of events) this.#stream.on(event, done);
    this.#signal.addEventListener("abort", done, { once: true });
    return promise.finally(() => {
      for (const event of events) this.#stream.off(event, done);
      this.#signal.removeEventListener("abort", done);
    });
  }
}

function reasonOf(signal: AbortSignal): StartUpRefusal {
  return signal.reason instanceof StartUpRefusal ? signal.reason : new StartUpRefusal("57P01", "the connection was ended");
}
