import type { Failure } from "@countersign/policy";
import { cancelledFailure, limitFailure } from "./failure.ts";

/** The wish to break off one request: from the caller, the clock or a limit. The first reason counts; what truly happened is found out elsewhere. */
export class Stop implements Disposable {
  #reason: Failure | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hear: (() => void) | undefined;
  #waiting: (() => void) | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.request(cancelledFailure());

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Why, once somebody wants it. */
  get reason(): Failure | undefined {
    return this.#reason;
  }

  /**
   * Resolves with what is waited for, or as soon as somebody wants it.
   *
   * @throws as what is waited for.
   */
  orAsked(waited: Promise<void>): Promise<void> {
    // Not a race with one promise for all: it would keep something of every wait until it is settled.
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      if (this.#reason !== undefined) resolve();
      waited.then(resolve, reject);
    });
  }

  /** Who breaks it off; called at once when it is wanted already. */
  heardBy(hear: () => void): void {
    this.#hear = hear;
    if (this.#reason !== undefined) hear();
  }

  /** Wants it after `limitMs` in all, of which `usedMs` have passed. */
  after(limitMs: number, usedMs: number): void {
    // Longer than setTimeout can count is as good as no limit.
    if (limitMs - usedMs < 2 ** 31)
      this.#timer = setTimeout(() => this.request(limitFailure("time", limitMs)), Math.max(limitMs - usedMs, 0));
  }

  request(reason: Failure): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#waiting?.();
    this.#hear?.();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
