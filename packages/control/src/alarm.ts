import type { Clock } from "./clock.ts";
import type { RequestStore } from "./stores/request-store.ts";

/** How many requests are seen to at a time. They share commits. */
const batch = 256;
/** The longest sleep, milliseconds: a wall clock that was set ahead is noticed by then. */
const longestSleepMs = 30_000;
/** The wait after a failure, milliseconds. */
const retryMs = 1_000;

/** What the timer needs. */
export interface AlarmOptions {
  readonly clock: Clock;
  readonly now: () => number;
  readonly store: RequestStore;
  /** Does what time asks for about one request; gives whether there was anything. */
  readonly wake: (id: string) => Promise<boolean>;
}

/**
 * Does what time asks for, expiry and escalation, with one timer for the earliest moment of all, so that ten thousand waiting requests cost
 * nothing. It is a convenience: votes and claims check the time themselves, so a late timer lets nothing through.
 */
export class Alarm implements AsyncDisposable {
  readonly #options: AlarmOptions;
  #wakesMs = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => {};
  #sweep: Promise<void> | undefined;
  #closed = false;

  constructor(options: AlarmOptions) {
    this.#options = options;
  }

  /** Does what was due while nobody was running, then waits for the next moment. */
  async start(): Promise<void> {
    await this.#run();
  }

  /** Notes a moment; only one that is earlier than all others moves the timer. */
  note(wakeMs: number): void {
    if (wakeMs < this.#wakesMs) this.#sleepUntil(wakeMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#sweep;
  }

  #sleepUntil(wakeMs: number): void {
    this.#cancel();
    if (this.#closed) return;
    this.#wakesMs = wakeMs;
    const delayMs = Math.min(Math.max(wakeMs - this.#options.now(), 0), longestSleepMs);
    this.#cancel = this.#options.clock.after(delayMs, () => void this.#run());
  }

  /** Runs one sweep at a time. */
  #run(): Promise<void> {
    this.#sweep ??= this.#seeToDue().finally(() => {
      this.#sweep = undefined;
    });
    return this.#sweep;
  }

  async #seeToDue(): Promise<void> {
    const { store, now, wake } = this.#options;
    this.#wakesMs = Number.POSITIVE_INFINITY;
    try {
      for (;;) {
        const waiting = await store.list({ order: "wake" }, batch);
        const nowMs = now();
        const next = waiting.find(({ wakeMs = 0 }) => wakeMs > nowMs);
        const due = next === undefined ? waiting : waiting.slice(0, waiting.indexOf(next));
        const done = await Promise.all(due.map((request) => wake(request.binding.requestId)));
        if (next?.wakeMs !== undefined) return this.note(next.wakeMs);
        // A row that was changed from outside may look due for ever; it must not keep this turning.
        if (waiting.length < batch || !done.includes(true)) return;
      }
    } catch {
      // Neither log nor store: the request stays as it is, cannot be approved or claimed any more, and is seen to as soon as that is possible.
      this.note(now() + retryMs);
    }
  }
}
