import type { Failure } from "@countersign/policy";
import { cancelledFailure, limitFailure } from "./failure.ts";

/** The wish to cut one session: from the caller, the clock or a limit. The first reason counts; what truly happened is found out elsewhere. */
export class SessionStop implements Disposable {
  #reason: Failure | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #given: AbortSignal;
  readonly #asked = new AbortController();
  readonly #abandoned = Promise.withResolvers<void>();
  readonly #onAbort = () => this.abandon(cancelledFailure());

  constructor(signal: AbortSignal) {
    this.#given = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Why, once somebody wants it. */
  get reason(): Failure | undefined {
    return this.#reason;
  }

  /** Aborted in the turn in which somebody wants it. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /** Resolves when nobody waits for the rest of the output any more. After the limit of bytes, what is below it is still given. */
  get abandoned(): Promise<void> {
    return this.#abandoned.promise;
  }

  /** Wants it after `limitMs` in all, of which `usedMs` have passed. */
  after(limitMs: number, usedMs: number): void {
    // Longer than setTimeout can count is as good as no limit.
    if (limitMs - usedMs < 2 ** 31)
      this.#timer = setTimeout(() => this.abandon(limitFailure("time", limitMs)), Math.max(limitMs - usedMs, 0));
  }

  request(reason: Failure): void {
    this.#reason ??= reason;
    this.#asked.abort();
  }

  /** Wants it, and nothing more of its output. */
  abandon(reason: Failure): void {
    this.request(reason);
    this.#abandoned.resolve();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#given.removeEventListener("abort", this.#onAbort);
  }
}
