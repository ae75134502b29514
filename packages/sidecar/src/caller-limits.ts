import type { Principal } from "@countersign/policy";
import { LRUCache } from "lru-cache";

/** How much one caller may ask. */
export interface CallerBounds {
  readonly pendingPerPrincipal: number;
  /** What a caller may ask in a minute, whatever becomes of it; absent = as much as it likes. */
  readonly requestsPerMinute?: number | undefined;
}

/** What is remembered of a caller. */
interface Caller {
  /** How many calls it may make now. They come back evenly, up to a minute's worth. */
  calls: number;
  countedMs: number;
  /** When a refusal of its flood was last recorded; how many were not since then. */
  recordedMs: number;
  unrecorded: number;
}

/** No more callers are remembered; whoever has not called for longest is forgotten, and starts afresh. */
const mostCallers = 10_000;
const minuteMs = 60_000;

/**
 * Keeps one caller from starving others: what it asks in a minute, and what it leaves waiting. A flood that is refused is recorded once a
 * minute with its size, so that it fills neither the log nor a disk.
 */
export class CallerLimits {
  readonly #bounds: CallerBounds;
  readonly #now: () => number;
  readonly #callers = new LRUCache<string, Caller>({ max: mostCallers });
  /** Requests on their way to the control plane: calls that come together would all see that there is room. */
  readonly #opening = new Map<string, number>();

  constructor(bounds: CallerBounds, now: () => number) {
    this.#bounds = bounds;
    this.#now = now;
  }

  /** Counts a call. Gives why it is one too many; undefined when it is not. */
  refusal(principal: Principal): string | undefined {
    const { requestsPerMinute } = this.#bounds;
    if (requestsPerMinute === undefined) return undefined;
    const caller = this.#caller(principal, requestsPerMinute);
    const nowMs = this.#now();
    const regained = ((nowMs - caller.countedMs) * requestsPerMinute) / minuteMs;
    caller.calls = Math.min(requestsPerMinute, caller.calls + regained);
    caller.countedMs = nowMs;
    if (caller.calls < 1) return `${principal.subject} may ask ${requestsPerMinute} times in a minute; wait a little.`;
    caller.calls -= 1;
    return undefined;
  }

  /**
   * Does the work of opening a request, if there is room for one more.
   *
   * @param open how many the caller has open.
   * @returns why there is no room, or what the work gave.
   */
  async opening<Result>(
    principal: Principal,
    open: number,
    work: () => Promise<Result>,
  ): Promise<{ readonly refusal: string } | { readonly opened: Result }> {
    const { pendingPerPrincipal: most } = this.#bounds;
    const name = nameOf(principal);
    const before = this.#opening.get(name) ?? 0;
    if (open + before >= most) {
      return { refusal: `${principal.subject} has ${most} requests waiting already; wait for some to end, or cancel them.` };
    }
    this.#opening.set(name, before + 1);
    try {
      return { opened: await work() };
    } finally {
      const left = (this.#opening.get(name) ?? 1) - 1;
      if (left > 0) this.#opening.set(name, left);
      else this.#opening.delete(name);
    }
  }

  /** Counts a call that was refused by these limits. Gives how many to record now, this one among them; 0 = none yet. */
  refused(principal: Principal): number {
    const caller = this.#caller(principal, this.#bounds.requestsPerMinute ?? 0);
    const nowMs = this.#now();
    caller.unrecorded += 1;
    if (nowMs - caller.recordedMs < minuteMs) return 0;
    const count = caller.unrecorded;
    caller.unrecorded = 0;
    caller.recordedMs = nowMs;
    return count;
  }

  #caller(principal: Principal, calls: number): Caller {
    const name = nameOf(principal);
    const known = this.#callers.get(name);
    if (known !== undefined) return known;
    const caller: Caller = { calls, countedMs: this.#now(), recordedMs: Number.NEGATIVE_INFINITY, unrecorded: 0 };
    this.#callers.set(name, caller);
    return caller;
  }
}

function nameOf({ issuer, subject }: Principal): string {
  return JSON.stringify([issuer, subject]);
}
