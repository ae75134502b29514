import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";

/** The first part of a body that is held back for what comes in the same turn, bytes. */
const mostHeld = 16 * 1024;

/** As long as a target may say nothing: whoever takes nothing holds one of its connections. */
const longestStallMs = 300_000;

/** An answer on its way to its client. A short one leaves whole, in one write, which is a third less work than in two. */
export class Writing {
  readonly #response: ServerResponse;
  #first: Buffer | undefined;
  #isFlowing = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** The beginning; it leaves at the end of the turn if nothing else comes: a stream's client is not to wait for its first part. */
  head(status: number, fields: readonly string[]): void {
    this.#response.writeHead(status, [...fields]);
    setImmediate(() => this.#flow());
  }

  /** A part of the body; see {@link writePart}. */
  part(data: Uint8Array): undefined | Promise<void> {
    if (!this.#isFlowing && this.#first === undefined && data.length <= mostHeld) {
      this.#first = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return undefined;
    }
    this.#flow();
    return writePart(this.#response, data);
  }

  /** That was all of it. */
  end(): void {
    const first = this.#isFlowing ? undefined : this.#first;
    this.#isFlowing = true;
    if (first === undefined) this.#response.end();
    // Node puts a text after the head in one piece; every byte is a character of Latin-1.
    else this.#response.end(first.toString("latin1"), "latin1");
  }

  #flow(): void {
    if (this.#isFlowing || this.#response.destroyed) return;
    this.#isFlowing = true;
    if (this.#first === undefined) this.#response.flushHeaders();
    else this.#response.write(this.#first);
  }
}

/**
 * Writes a part of a body. A promise means: the client is slower than the target, wait. It is also fulfilled when the client has gone, or was cut
 * off because it took nothing for so long.
 */
export function writePart(response: Writable, data: Uint8Array, stallMs = longestStallMs): undefined | Promise<void> {
  if (response.destroyed || response.write(data)) return undefined;
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), stallMs).unref();
    const go = () => {
      clearTimeout(timer);
      response.off("drain", go).off("close", go);
      resolve();
    };
    response.on("drain", go).on("close", go);
  });
}
