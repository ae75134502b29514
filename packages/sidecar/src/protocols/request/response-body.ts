/** What may wait for whoever reads, bytes; then the target has to. */
const mostWaiting = 256 * 1024;

/** The body of an answer: read once, in parts as they come. What comes faster than it is read waits here, up to a bound. */
export class ResponseBody implements AsyncIterable<Buffer> {
  readonly #target: { resume(): void };
  #parts: Buffer[] = [];
  #waiting = 0;
  #isPaused = false;
  #ended: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  /** @param target goes on when it is told to, after {@link push} said no. */
  constructor(target: { resume(): void }) {
    this.#target = target;
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
    while (await this.#comes()) {
      for (const part of this.#taken()) {
        this.#check();
        yield part;
      }
      this.#goOn();
    }
  }

  /** Gives each part to whoever takes it, and waits where they say so: what there is goes in one turn, which a generator cannot do. */
  async each(take: (part: Buffer) => undefined | Promise<void>): Promise<void> {
    for (;;) {
      const comes = this.#comes();
      if (!(comes instanceof Promise ? await comes : comes)) return;
      for (const part of this.#taken()) {
        this.#check();
        const waiting = take(part);
        if (waiting !== undefined) await waiting;
      }
      this.#goOn();
    }
  }

  /** Whether there is more; what is still open is waited for. */
  #comes(): boolean | Promise<boolean> {
    this.#check();
    if (this.#parts.length > 0) return true;
    return this.#ended === undefined && this.#more().then(() => this.#comes());
  }

  #taken(): readonly Buffer[] {
    const parts = this.#parts;
    this.#parts = [];
    this.#waiting = 0;
    return parts;
  }

  #check(): void {
    if (this.#ended?.error !== undefined) throw this.#ended.error;
  }

  #goOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#target.resume();
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
