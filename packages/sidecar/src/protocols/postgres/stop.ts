import type { Failure } from "@countersign/policy";
import { cancelledFailure, limitFailure } from "./failure.ts";

/** The wish to stop one dispatch: from the caller, the clock or a limit. The first reason counts; what truly happened is found out elsewhere. */
export class Stop implements Disposable {
  #reason: Failure | undefined;
  #action: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal;
  readonly #abandoned = Promise.withResolvers<void>();
  readonly #onAbort = () => this.#abandon(cancelledFailure());

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Why, once somebody wants it. */
  get reason(): Failure | undefined {
    return this.#reason;
  }

  /** Resolves when nobody waits for the rest of the result any more: the caller or the clock wants a stop. After another limit, what is below it is still given. */
  get abandoned(): Promise<void> {
    return this.#abandoned.promise;
  }

  /** Wants it after `limitMs` in all, of which `usedMs` have passed. */
  after(limitMs: number, usedMs: number): void {
    // Longer than setTimeout can count is as good as no limit.
    if (limitMs - usedMs < 2 ** 31)
      this.#timer = setTimeout(() => this.#abandon(limitFailure("time", limitMs)), Math.max(limitMs - usedMs, 0));
  }

  request(reason: Failure): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#action?.();
  }

  /** What a wish sets off while it can still be fulfilled; `undefined` when it cannot any more. */
  set action(action: (() => void) | undefined) {
    this.#action = action;
    if (this.#reason) action?.();
  }

  /** Too late for a stop: what is under way is seen to its end. */
  seal(): void {
    clearTimeout(this.#timer);
    this.#action = undefined;
  }

  #abandon(reason: Failure): void {
    this.request(reason);
    this.#abandoned.resolve();
  }

  [Symbol.dispose](): void {
    this.seal();
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
