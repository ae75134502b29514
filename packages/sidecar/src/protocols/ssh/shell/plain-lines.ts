import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import type { Given, LineSource } from "./line-source.ts";

/** Lines without a terminal: as they come, one after the other; nothing is read while there is more than this waiting. */
const mostWaiting = 64 * 1024;

/** The lines of a client that has no terminal, e.g. a script on its standard input. */
export class PlainLines implements LineSource {
  readonly #input: Readable;
  readonly #mostBytes: number;
  #held: Buffer = Buffer.alloc(0);
  #skips = false;
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(input: Readable, mostBytes: number) {
    this.#input = input;
    this.#mostBytes = mostBytes;
    input.on("data", (data: Buffer) => this.#take(data));
    for (const event of ["end", "close"]) input.once(event, () => this.close());
  }

  async next(): Promise<Given> {
    for (;;) {
      const given = this.#line();
      if (given !== undefined) return given;
      this.#input.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  resize(): void {}

  close(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  #take(data: Buffer): void {
    this.#held = Buffer.concat([this.#held, data]);
    if (this.#held.length > mostWaiting) this.#input.pause();
    this.#wake?.();
  }

  #line(): Given | undefined {
    const end = this.#held.indexOf(0x0a);
    if (end < 0) {
      if (this.#hasEnded) return this.#last();
      // Nothing so long is a line: what follows to its end belongs to it.
      if (this.#held.length > this.#mostBytes) {
        this.#held = Buffer.alloc(0);
        this.#skips = true;
      }
      return undefined;
    }
    const bytes = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end + 1);
    return this.#given(bytes);
  }

  #last(): Given {
    const bytes = this.#held;
    this.#held = Buffer.alloc(0);
    return bytes.length === 0 && !this.#skips ? { type: "ended" } : this.#given(bytes);
  }

  #given(bytes: Buffer): Given {
    const tooLong = this.#skips || bytes.length > this.#mostBytes;
    this.#skips = false;
    if (tooLong) return { type: "refused", why: `A line may have ${this.#mostBytes} bytes.` };
    if (!isUtf8(bytes)) return { type: "refused", why: "The line is not UTF-8, so nobody could read what was to be approved." };
    return { type: "line", text: bytes.toString().replace(/\r$/, "") };
  }
}
