import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";

/** The first part of a body that is held back for what comes in the same turn, bytes. */
const mostHeld = 16 * 1024;

/** As long as a target may say nothing: whoever takes nothing holds one of its connections. */
const longestStallMs = 300_000;

/**
 * An answer on its way to its client. A short one leaves whole, in one write, and at the end of the turn of the event loop, together with those of
 * other clients: whoever sleeps is woken, and that costs more than the write; next to others, most are awake.
 */
export class Writing {
  readonly #response: ServerResponse;
  /** What is held back; every byte is a character of Latin-1, as Node puts a text after the head in one piece. */
  #first = "";
  #isDue = false;
  #isFlowing = false;
  #hasEnded = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** The beginning; it leaves at the end of the turn if nothing else comes: a stream's client is not to wait for its first part. */
  head(status: number, fields: readonly string[]): void {
    this.#response.writeHead(status, [...fields]);
    this.#leaveWithOthers();
  }

  /** A part of the body; see {@link writePart}. */
  part(data: Uint8Array): undefined | Promise<void> {
    if (!this.#isFlowing && this.#first.length + data.length <= mostHeld) {
      this.#first += Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
      return undefined;
    }
    this.#flow();
    return writePart(this.#response, data);
  }

  /** That was all of it. */
  end(): void {
    this.#hasEnded = true;
    if (this.#isFlowing) this.#response.end();
    else this.#leaveWithOthers();
  }

  /** The turn ends. */
  leave(): void {
    if (this.#isFlowing || this.#response.destroyed) return;
    this.#flow();
    if (this.#hasEnded) this.#response.end();
  }

  #leaveWithOthers(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    if (leaving.push(this) === 1) setImmediate(allLeave);
  }

  #flow(): void {
    if (this.#isFlowing || this.#response.destroyed) return;
    this.#isFlowing = true;
    if (this.#first !== "") this.#atOnce(this.#first);
    else if (!this.#hasEnded) this.#response.flushHeaders();
    this.#first = "";
  }

  /** Corked by us it is one plain write, and nothing is left over that `end` would put into another one. */
  #atOnce(text: string): void {
    this.#response.cork();
    this.#response.write(text, "latin1");
    this.#response.uncork();
  }
}

/** Those that leave at the end of this turn. */
let leaving: Writing[] = [];

function allLeave(): void {
  const all = leaving;
  leaving = [];
  for (const one of all) one.leave();
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
