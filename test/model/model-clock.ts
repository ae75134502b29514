import type { Clock } from "../../packages/control/src/index.ts";

interface Timer {
  readonly atMs: number;
  readonly call: () => void;
}

/** The time of day, which goes on while no process runs. */
export class Day {
  wallMs = Date.UTC(2026, 0, 1);
  /** How much time has truly passed. */
  passedMs = 0;
}

/** One process's clock over the day: it moves when the explorer says so, and its timers ring when the explorer says so. */
export class ModelClock implements Clock {
  readonly #day: Day;
  readonly #sinceMs: number;
  /** The least that a clock of this process that never goes back could show. */
  readonly #startMs: number;
  readonly #onRead: (ms: number) => void;
  #timers: Timer[] = [];

  /** @param onRead Told whenever somebody looks at it, and what they see. */
  constructor(day: Day, onRead: (ms: number) => void) {
    this.#day = day;
    this.#onRead = onRead;
    this.#sinceMs = day.passedMs;
    this.#startMs = day.wallMs;
  }

  wallMs(): number {
    this.#onRead(Math.max(this.#day.wallMs, this.leastMs));
    return this.#day.wallMs;
  }

  monotonicMs(): number {
    return this.#day.passedMs - this.#sinceMs;
  }

  get leastMs(): number {
    return this.#startMs + this.monotonicMs();
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.monotonicMs() + delayMs, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  get isDue(): boolean {
    return this.#timers.some(({ atMs }) => atMs <= this.monotonicMs());
  }

  /** Lets every timer ring that is due. */
  ring(): void {
    const due = this.#timers.filter(({ atMs }) => atMs <= this.monotonicMs());
    this.#timers = this.#timers.filter((one) => !due.includes(one));
    for (const { call } of due) call();
  }

  fingerprint(): string {
    const timers = this.#timers.map(({ atMs }) => Math.max(0, atMs - this.monotonicMs())).sort((a, b) => a - b);
    return `${this.#day.wallMs} ${this.leastMs} ${timers}`;
  }
}
