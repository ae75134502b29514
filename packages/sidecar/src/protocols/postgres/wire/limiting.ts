import type { Lent } from "../lent.ts";
import type { LimitKind, Running } from "./running.ts";
import { type Complaint, complaintMessage } from "./server-message.ts";

/** A statement that was asked to stop is asked again after this time, because a request that arrives before the statement has no effect. */
const againMs = 500;
/** After so many tries the session is given up. */
const mostTries = 6;

/** Stops what has reached a limit of the policy. */
export class Limiting {
  readonly #lent: () => Lent | undefined;
  readonly #isNext: (running: Running) => boolean;
  readonly #onStuck: () => void;
  #stopping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `isNext`: whether the server is at it. `onStuck`: it does not stop. */
  constructor(lent: () => Lent | undefined, isNext: (running: Running) => boolean, onStuck: () => void) {
    this.#lent = lent;
    this.#isNext = isNext;
    this.#onStuck = onStuck;
  }

  /** A cancel that is still on its way would hit the next statement: it has to be waited for. */
  get pending(): Promise<void> | undefined {
    return this.#stopping;
  }

  /** Stops an operation when its time is up. */
  watch(running: Running): void {
    const { timeMs } = running.limits;
    // Longer than setTimeout can count is as good as no limit.
    if (timeMs !== undefined && timeMs < 2 ** 31) this.#after(running, timeMs);
  }

  /** Stops what the server is at. */
  stop(running: Running): void {
    this.#cancel(() => this.#isNext(running), 0);
  }

  #after(running: Running, ms: number): void {
    const timer = setTimeout(() => {
      if (running.ended || running.cut !== undefined) return;
      if (!this.#isNext(running)) return this.#after(running, 50);
      running.cut = "time";
      this.stop(running);
    }, ms);
    timer.unref();
  }

  #cancel(stillRuns: () => boolean, tries: number) {
    const lent = this.#lent();
    if (lent === undefined || !stillRuns()) return;
    if (tries === mostTries) return this.#onStuck();
    const stopping = lent.cancel().then(
      () => {},
      () => this.#onStuck(),
    );
    this.#stopping = stopping;
    void stopping.then(() => {
      if (this.#stopping === stopping) this.#stopping = undefined;
    });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#cancel(stillRuns, tries + 1), againMs).unref();
  }
}

const words: Readonly<Record<LimitKind, (value: number) => string>> = {
  rows: (value) => `${value} rows`,
  bytes: (value) => `${value} bytes of result`,
  time: (value) => `${value} ms`,
};

/** What a client is told whose result was cut. `done`: the statement was complete before it could be stopped. */
export function limitMessage({ cut, limits, tag, readOnly }: Running): Buffer {
  const value = { rows: limits.rows, bytes: limits.bytes, time: limits.timeMs }[cut ?? "time"] ?? 0;
  const done = tag !== undefined && !readOnly;
  const complaint: Complaint = {
    severity: "ERROR",
    sqlstate: "53400",
    message: `Countersign: the policy's limit of ${words[cut ?? "time"](value)} was reached`,
    detail: done
      ? "The statement had completed before it could be stopped: what it changed stays unless the transaction is rolled back."
      : "The statement was stopped.",
    hint: "Ask for less, or for parts.",
  };
  return complaintMessage(complaint);
}
