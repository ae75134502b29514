import type { Clock } from "./clock.ts";
import { deadline } from "./lifetime.ts";
import type { RequestStore } from "./stores/request-store.ts";

/** How many requests expire at a time. They share commits. */
const batch = 256;
/** The longest sleep, milliseconds: a wall clock that was set ahead is noticed by then. */
const longestSleepMs = 30_000;
/** The wait after a failure, milliseconds. */
const retryMs = 1_000;

/** What the timer needs. */
export interface ExpiryOptions {
  readonly clock: Clock;
  readonly now: () => number;
  readonly store: RequestStore;
  /** Ends one request if its time is up; gives whether it has expired. */
  readonly lapse: (id: string) => Promise<boolean>;
}

/**
 * Ends requests whose time is up, with one timer for the earliest deadline of all, so that ten thousand waiting requests cost nothing.
 * It is a convenience: votes and claims check the time themselves, so a late timer lets nothing through.
 */
export class Expiry implements AsyncDisposable {
  readonly #options: ExpiryOptions;
  #wakesMs = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => {};
  #sweep: Promise<void> | undefined;
  #closed = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Ends what lapsed while nobody was running, then waits for the next deadline. */
  async start(): Promise<void> {
    await this.#run();
  }

  /** Notes a deadline; only one that is earlier than all others moves the timer. */
  note(deadlineMs: number): void {
    if (deadlineMs < this.#wakesMs) this.#sleepUntil(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#sweep;
  }

  #sleepUntil(deadlineMs: number): void {
    this.#cancel();
    if (this.#closed) return;
    this.#wakesMs = deadlineMs;
    const delayMs = Math.min(Math.max(deadlineMs - this.#options.now(), 0), longestSleepMs);
    this.#cancel = this.#options.clock.after(delayMs, () => void this.#run());
  }

  /** Runs one sweep at a time. */
  #run(): Promise<void> {
    this.#sweep ??= this.#expireDue().finally(() => {
      this.#sweep = undefined;
    });
    return this.#sweep;
  }

  async #expireDue(): Promise<void> {
    const { store, now, lapse } = this.#options;
    this.#wakesMs = Number.POSITIVE_INFINITY;
    try {
      for (;;) {
        const waiting = await store.list({ order: "deadline" }, batch);
        const nowMs = now();
        const next = waiting.find((request) => (deadline(request) ?? 0) > nowMs);
        const due = next === undefined ? waiting : waiting.slice(0, waiting.indexOf(next));
        const ended = await Promise.all(due.map((request) => lapse(request.binding.requestId)));
        if (next !== undefined) return this.note(deadline(next) ?? nowMs);
        // A row that was changed from outside may look due for ever; it must not keep this turning.
        if (waiting.length < batch || !ended.includes(true)) return;
      }
    } catch {
      // Neither log nor store: the request stays as it is, cannot be approved or claimed any more, and is ended as soon as that is possible.
      this.note(now() + retryMs);
    }
  }
}
