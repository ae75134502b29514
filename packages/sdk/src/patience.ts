import { CountersignError } from "./errors.ts";

/** How long a caller waits. */
export interface Patience {
  /** Milliseconds, or a number with a unit: `"500ms"`, `"50s"`, `"10m"`, `"2h"`. Without it a call waits as long as the request lives. */
  timeout?: number | string | undefined;
  /** Stops the waiting. */
  signal?: AbortSignal | undefined;
}

/** Why the waiting ended; `told` says what became of the request. */
export type Impatience = (requestId: string, told: string) => CountersignError;

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The longest that a Node.js timer can wait. */
const longestMs = 2 ** 31 - 1;

/**
 * A timeout in milliseconds.
 *
 * @throws {CountersignError} `invalid_request` when it is not a positive duration of at most 24 days.
 */
export function timeoutMs(timeout: number | string): number {
  const match = typeof timeout === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(timeout) : null;
  const ms = typeof timeout === "number" ? timeout : Number(match?.[1]) * (units[match?.[2] ?? ""] ?? Number.NaN);
  if (ms > 0 && ms <= longestMs) return ms;
  throw new CountersignError(
    "invalid_request",
    `"${timeout}" is not a timeout; use milliseconds or e.g. "50s" (at most 24 days).`,
  );
}

/** Stops a patience that never ends. */
const endless = () => {};

/**
 * Calls back at most once, when patience ends. Gives the function that stops it, which every other path must call.
 *
 * @throws {CountersignError} as {@link timeoutMs}; `aborted` when the signal has already aborted.
 */
export function losePatience({ timeout, signal }: Patience, on: (impatience: Impatience) => void): () => void {
  if (timeout === undefined && signal === undefined) return endless;
  const ms = timeout === undefined ? undefined : timeoutMs(timeout);
  const aborted: Impatience = (requestId, told) =>
    new CountersignError("aborted", `The caller's signal aborted. ${told}`.trim(), { requestId, cause: signal?.reason });
  if (signal?.aborted) throw aborted("", "");
  const timedOut: Impatience = (requestId, told) =>
    new CountersignError("timeout", `No result within ${ms} ms. ${told}`, { requestId });

  const timer = ms === undefined ? undefined : setTimeout(() => end(timedOut), ms);
  const onAbort = () => end(aborted);
  signal?.addEventListener("abort", onAbort, { once: true });
  const stop = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  };
  const end = (impatience: Impatience) => {
    stop();
    on(impatience);
  };
  return stop;
}
