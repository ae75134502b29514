/** One tick a second for everything on the page that counts down; asleep while nobody watches. */
export class Clock {
  readonly #listeners = new Set<() => void>();
  readonly #offsetMs: () => number;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param offsetMs how far the server's clock is ahead of this machine's. */
  constructor(offsetMs: () => number) {
    this.#offsetMs = offsetMs;
  }

  /** The server's time, milliseconds since the Unix epoch. */
  now(): number {
    return Date.now() + this.#offsetMs();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => {
      for (const tell of this.#listeners) tell();
    }, 1000);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    };
  };
}
