/** What may wait for whoever reads, bytes; then the target has to. */
const mostWaiting = 256 * 1024;

/** The body of an answer: read once, in parts as they come. What comes faster than it is read waits here, up to a bound. */
export class ResponseBody implements AsyncIterable<Buffer> {
  readonly #resume: () => void;
  #parts: Buffer[] = [];
  #waiting = 0;
  #isPaused = false;
  #ended: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  /** @param resume has the target go on after {@link push} said no. */
  constructor(resume: () => void) {
    this.#resume = resume;
  }

  /** Takes a part; false: no more until `resume`. */
  push(part: Buffer): boolean {
    this.#parts.push(part);
    this.#waiting += part.length;
    this.#isPaused = this.#waiting >= mostWaiting;
    this.#wake?.();
    return !this.#isPaused;
  }

  /** That was all of it; with an error, all that comes, and what waits is worth nothing. The first word counts. */
  end(error?: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error === undefined ? {} : { error };
    if (error !== undefined) this.#parts = [];
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const parts = this.#parts;
      if (parts.length === 0) {
        if (this.#ended?.error !== undefined) throw this.#ended.error;
        if (this.#ended !== undefined) return;
        await this.#more();
        continue;
      }
      this.#parts = [];
      this.#waiting = 0;
      for (const part of parts) {
        if (this.#ended?.error !== undefined) throw this.#ended.error;
        yield part;
      }
      if (!this.#isPaused) continue;
      this.#isPaused = false;
      this.#resume();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
