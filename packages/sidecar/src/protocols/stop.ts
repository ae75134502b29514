import type { Failure } from "@countersign/policy";

/** What a protocol says of what was stopped. */
export interface StopFailures {
  /** The caller, or somebody who may, wanted it. */
  readonly cancelled: () => Failure;
  /** It took longer than the policy lets it, milliseconds. */
  readonly late: (limitMs: number) => Failure;
}

/**
 * The wish to stop one dispatch: from the caller, the clock or a limit. The first reason counts; what truly happened is found out elsewhere.
 * Every call has one: what only some protocols need of it is made when it is asked for, and it hears the signal itself, without a function of its own.
 */
export class Stop implements Disposable {
  readonly #given: AbortSignal;
  readonly #failures: StopFailures;
  #reason: Failure | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hear: (() => void) | undefined;
  #waiting: (() => void) | undefined;
  #asked: AbortController | undefined;
  #isAbandoned = false;
  #abandoned: PromiseWithResolvers<void> | undefined;

  /** @param given the caller's; aborted = it wants nothing any more. */
  constructor(given: AbortSignal, failures: StopFailures) {
    this.#given = given;
    this.#failures = failures;
    given.addEventListener("abort", this, { once: true });
    if (given.aborted) this.handleEvent();
  }

  /** Why, once somebody wants it. */
  get reason(): Failure | undefined {
    return this.#reason;
  }

  /** Aborted in the turn in which somebody wants it. */
  get signal(): AbortSignal {
    this.#asked ??= new AbortController();
    if (this.#reason !== undefined) this.#asked.abort();
    return this.#asked.signal;
  }

  /** Resolves when nobody waits for the rest any more: the caller or the clock wants it. After another limit, what is below it is still given. */
  get abandoned(): Promise<void> {
    this.#abandoned ??= Promise.withResolvers();
    if (this.#isAbandoned) this.#abandoned.resolve();
    return this.#abandoned.promise;
  }

  /**
   * Resolves with what is waited for, or as soon as somebody wants it. One waits at a time.
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

  /** Who does it, while it can still be done; called at once when it is wanted already. Undefined = it cannot any more. */
  heardBy(hear: (() => void) | undefined): void {
    this.#hear = hear;
    if (this.#reason !== undefined) hear?.();
  }

  /** Wants it after `limitMs` in all, of which `usedMs` have passed. */
  after(limitMs: number, usedMs: number): void {
    // Longer than setTimeout can count is as good as no limit.
    if (limitMs - usedMs < 2 ** 31)
      this.#timer = setTimeout(() => this.abandon(this.#failures.late(limitMs)), Math.max(limitMs - usedMs, 0));
  }

  request(reason: Failure): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#asked?.abort();
    this.#waiting?.();
    this.#hear?.();
  }

  /** Wants it, and nothing more of what it gives. */
  abandon(reason: Failure): void {
    this.request(reason);
    this.#isAbandoned = true;
    this.#abandoned?.resolve();
  }

  /** Too late for a stop: what is under way is seen to its end. */
  seal(): void {
    clearTimeout(this.#timer);
    this.#hear = undefined;
  }

  /** The caller's signal. */
  handleEvent(): void {
    this.abandon(this.#failures.cancelled());
  }

  [Symbol.dispose](): void {
    this.seal();
    this.#given.removeEventListener("abort", this);
  }
}
