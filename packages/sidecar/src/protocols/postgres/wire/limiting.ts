import type { Lent } from "../lent.ts";
import type { Expected } from "./expected.ts";
import { largestMaskedRow } from "./masked-result.ts";
import type { LimitKind, Running } from "./running.ts";
import { type Complaint, complaintMessage } from "./server-message.ts";

/** A statement that was asked to stop is asked again after this time, because a request that arrives before the statement has no effect. */
const againMs = 500;
/** After so many tries the session is given up. */
const mostTries = 6;

/** Stops what has reached a limit of the policy. */
export class Limiting {
  readonly #lent: () => Lent | undefined;
  readonly #next: () => Expected | undefined;
  readonly #onStuck: () => void;
  #stopping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `next`: what the server is at. `onStuck`: it does not stop. */
  constructor(lent: () => Lent | undefined, next: () => Expected | undefined, onStuck: () => void) {
    this.#lent = lent;
    this.#next = next;
    this.#onStuck = onStuck;
  }

  /** A cancel that is still on its way would hit the next statement: it has to be waited for. */
  get pending(): Promise<void> | undefined {
    return this.#stopping;
  }

  /** Stops what was sent when its time is up, milliseconds. */
  watch(entry: Expected, ms: number): void {
    // Longer than setTimeout can count is as good as no limit.
    if (ms >= 2 ** 31) return;
    const timer = setTimeout(() => {
      const { running } = entry;
      if (!entry.due || running === undefined || running.ended || running.cut !== undefined) return;
      // Something else is before it.
      if (this.#next() !== entry) return this.watch(entry, 50);
      running.cut = "time";
      this.stop(running);
    }, ms);
    timer.unref();
  }

  /** Stops what the server is at. */
  stop(running: Running): void {
    this.#cancel(() => this.#next()?.running === running, 0);
  }

  #cancel(stillRuns: () => boolean, tries: number): void {
    const lent = this.#lent();
    if (lent === undefined || !stillRuns()) return;
    if (tries === mostTries) {
      this.#onStuck();
      return;
    }
    const stopping = lent.cancel().catch(() => this.#onStuck());
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
  row: (value) => `${value} bytes in a row with masked columns`,
};

/** What a client is told whose result was cut. `done`: the statement was complete before it could be stopped. */
export function limitMessage({ cut, limits, tag, readOnly }: Running): Buffer {
  const value = { rows: limits.rows, bytes: limits.bytes, time: limits.timeMs, row: largestMaskedRow }[cut ?? "time"] ?? 0;
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
