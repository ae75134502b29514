/** How long a sidecar that was there may stay away before those who wait give up, milliseconds: a restart takes seconds. */
const awayMs = 60_000;
const firstMs = 100;
const longestMs = 2000;

/** The pauses between attempts to reach a sidecar again: doubling from 100 ms to 2 s, spread so that many callers do not come back at once. */
export class Backoff {
  readonly #now: () => number;
  readonly #random: () => number;
  #attempt = 0;
  #since: number | undefined;

  constructor(now: () => number = performance.now.bind(performance), random: () => number = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /** The next pause in milliseconds; `undefined` when the sidecar has been away for too long. */
  next(): number | undefined {
    this.#since ??= this.#now();
    if (this.#now() - this.#since > awayMs) return undefined;
    const pause = Math.min(firstMs * 2 ** this.#attempt++, longestMs);
    return pause / 2 + (pause / 2) * this.#random();
  }

  /** The sidecar is there. */
  reset(): void {
    this.#attempt = 0;
    this.#since = undefined;
  }
}
