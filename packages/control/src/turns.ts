/**
 * Lets work on the same request happen one after another. A vote is checked, recorded and stored with waits in between: without turns two
 * votes would both be checked against the state before either.
 */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs work once all earlier work of that key has ended, whichever way. */
  async take<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const { promise: turn, resolve: done } = Promise.withResolvers<void>();
    this.#last.set(key, turn);
    try {
      await before;
      return await work();
    } finally {
      done();
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }

  /** Resolves once the work that has begun by now has ended. */
  async underWay(): Promise<void> {
    await Promise.all(this.#last.values());
  }

  /** Resolves once all work that has begun has ended, and all that began meanwhile. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
