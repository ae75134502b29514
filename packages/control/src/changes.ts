/**
 * Tells who watches that a request changed. It carries no data: a watcher that is woken reads the store again, so it can neither miss
 * nor repeat an event, however the wake-ups fall together. Costs nothing for requests that nobody watches.
 */
export class Changes {
  readonly #byRequest = new Map<string, Set<Watcher>>();
  readonly #all = new Set<Watcher>();
  /** Everybody who waits, to end them all. An AbortSignal would do, but adding a listener looks through all that it has. */
  readonly #waiting = new Set<Watcher>();
  #closed = false;

  /** Says that a request changed; call it after the commit. */
  publish(id: string): void {
    for (const watcher of this.#byRequest.get(id) ?? []) watcher.wake(id);
    for (const watcher of this.#all) watcher.wake(id);
  }

  /** Turns once at the start and again after changes of one request, until the signal aborts or this is closed. */
  async *of(id: string, signal: AbortSignal): AsyncGenerator<ReadonlySet<string>> {
    const watchers = this.#byRequest.get(id) ?? new Set();
    this.#byRequest.set(id, watchers);
    try {
      yield* this.#follow(watchers, signal);
    } finally {
      if (watchers.size === 0 && this.#byRequest.get(id) === watchers) this.#byRequest.delete(id);
    }
  }

  /** Turns once at the start, then with the ids of what changed since the turn before. */
  all(signal: AbortSignal): AsyncGenerator<ReadonlySet<string>> {
    return this.#follow(this.#all, signal);
  }

  /** Ends every watch. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#waiting) watcher.stop();
  }

  async *#follow(watchers: Set<Watcher>, signal: AbortSignal): AsyncGenerator<ReadonlySet<string>> {
    const watcher = new Watcher();
    const stop = () => watcher.stop();
    if (signal.aborted || this.#closed) stop();
    signal.addEventListener("abort", stop);
    watchers.add(watcher);
    this.#waiting.add(watcher);
    try {
      yield new Set();
      for (let changed = await watcher.next(); changed !== undefined; changed = await watcher.next()) yield changed;
    } finally {
      watchers.delete(watcher);
      this.#waiting.delete(watcher);
      signal.removeEventListener("abort", stop);
    }
  }
}

/** One who waits. What changes while they are busy is kept once per request, so that a slow reader costs little. */
class Watcher {
  #changed = new Set<string>();
  #stopped = false;
  #resume: () => void = () => {};

  wake(id: string): void {
    this.#changed.add(id);
    this.#resume();
  }

  stop(): void {
    this.#stopped = true;
    this.#resume();
  }

  /** What changed since the last call, waiting until there is something; undefined when it is over. */
  async next(): Promise<ReadonlySet<string> | undefined> {
    while (!this.#stopped && this.#changed.size === 0) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    if (this.#stopped) return undefined;
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }
}
