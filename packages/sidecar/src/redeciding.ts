import { setImmediate as nextTurn } from "node:timers/promises";

/** How many are asked about at a time: they share the store's commits, and what is committed together is done in one turn of the event loop. */
const together = 8;
/** After so long everybody else gets a turn, milliseconds. */
const sliceMs = 8;

/** Asks policy again about many held requests, off everybody else's way: a few at a time, and never for long without a pause. */
export class Redeciding<Held> {
  readonly #ask: (held: Held) => Promise<void>;
  readonly #due = new Set<Held>();
  readonly #workers = new Set<Promise<void>>();
  #sinceMs = 0;
  #pause: Promise<void> | undefined;
  #closed = false;

  /** @param ask asks about one; does not throw. */
  constructor(ask: (held: Held) => Promise<void>) {
    this.#ask = ask;
  }

  /** Adds one. What is waiting to be asked about already is asked about once. */
  add(held: Held): void {
    if (this.#closed) return;
    this.#due.add(held);
    if (this.#workers.size >= together) return;
    const worker = this.#work().finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  /** Forgets what has not begun; resolves when what has begun is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#due.clear();
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    for (;;) {
      await this.#takeTurns();
      const [held] = this.#due;
      if (held === undefined) return;
      this.#due.delete(held);
      await this.#ask(held);
    }
  }

  /** All workers pause together: what they do between two waits is done in one turn of the event loop. */
  async #takeTurns(): Promise<void> {
    while (this.#pause !== undefined || performance.now() - this.#sinceMs >= sliceMs) {
      this.#pause ??= nextTurn().then(() => {
        this.#sinceMs = performance.now();
        this.#pause = undefined;
      });
      await this.#pause;
    }
  }
}
