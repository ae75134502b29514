import type { ParsedRecord } from "./record.ts";

const states = ["succeeded", "failed", "unknown", "unsent", "running"] as const;

/**
 * Whether what the records say of allowed operations that share one can be true: only what policy allowed is in them, the counts add up, and what
 * ran when the first part was written is in exactly one second part. Memory grows with what is open, not with the log.
 */
export class StatementsStory {
  /** Operations whose end is in a second part that is still to come, by record, and the place of the first part. */
  readonly #running = new Map<string, { readonly count: number; readonly index: number }>();

  /** Takes the next record; gives what does not fit the ones before it, in words. */
  *next({ type, request, detail }: ParsedRecord, index: number): Generator<string> {
    if (type !== "statements") return;
    // What a crash left could not be read: that is all it says.
    if (request === undefined && detail.recovered === true && isCount(detail.unreadable)) return;
    if (request === undefined) {
      yield "it has no id";
      return;
    }
    if (detail.effect !== "allow") yield `${request} holds what policy did not allow`;
    const counts = states.map((state) => detail[state]);
    if (!counts.every(isCount) || counts.reduce((sum, count) => sum + count, 0) !== detail.count || detail.count === 0) {
      yield `the counts of ${request} do not add up`;
      return;
    }
    const [running = 0] = counts.slice(-1);
    const first = this.#running.get(request);
    this.#running.delete(request);
    if (detail.part === 1) {
      if (first !== undefined) yield `${request} was recorded twice`;
      if (running > 0) this.#running.set(request, { count: running, index });
    } else if (detail.part !== 2 || running > 0 || first?.count !== detail.count) {
      yield `${request} goes on with what was not said to run`;
    }
  }

  /** What may still run, or was left in doubt by a crash. */
  *open(): Generator<{ readonly request: string; readonly index: number }> {
    for (const [request, { index }] of this.#running) yield { request, index };
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
