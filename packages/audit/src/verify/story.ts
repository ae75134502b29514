import { hashText } from "../hash.ts";
import { GrantStory } from "./grant-story.ts";
import { PlanStory } from "./plan-story.ts";
import type { Problem } from "./problem.ts";
import type { ParsedRecord } from "./record.ts";

/** An intent without an outcome: what a crash, or a call still at work, leaves open. Not an error. */
export interface OpenAction {
  readonly request: string;
  readonly index: number;
}

/**
 * Whether the records, one after the other, tell a story that can be true: each writer's chain is whole, every outcome has its intent,
 * every reviewed intent has an approval before it, every intent by a grant a use of it, and the lines of plans their order. Memory grows with what is open, not with the log.
 */
export class Story {
  readonly #origin: string;
  readonly #heads = new Map<string, { readonly index: number; readonly sequence: number; readonly link: string }>();
  readonly #intents = new Map<string, number>();
  /** Requests whose outcome is `unknown` and may still be resolved. */
  readonly #doubts = new Set<string>();
  readonly #approved = new Set<string>();
  readonly #grants = new GrantStory();
  readonly #plans = new PlanStory();
  #lost = 0;
  #holes = 0;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Takes the next record; gives what does not fit the ones before it. */
  next(index: number, record: ParsedRecord, leaf: Uint8Array): Problem[] {
    return [...this.#chain(index, record, leaf), ...this.#meaning(index, record), ...this.#ofStories(index, record)];
  }

  /** A record is missing or unreadable, and reported: what follows from that is not reported again. */
  lost(): void {
    this.#lost++;
    this.#holes++;
  }

  openActions(): OpenAction[] {
    return [...this.#intents].map(([request, index]) => ({ request, index }));
  }

  *#chain(index: number, record: ParsedRecord, leaf: Uint8Array): Generator<Problem> {
    const { sidecar, sequence } = record;
    const where = `record ${index} (sequence ${sequence} of sidecar ${sidecar})`;
    if (record.log !== this.#origin)
      yield { kind: "inserted", index, message: `${where}: it was written for the log "${record.log}"` };
    const head = this.#heads.get(sidecar);
    const expected = (head?.sequence ?? 0) + 1;
    const hole = sequence - expected;
    if (hole > 0 && hole <= this.#holes) {
      this.#holes -= hole;
    } else if (hole > 0) {
      yield { kind: "omitted", index, message: `${where}: ${rangeOf(expected, hole)} of that sidecar is missing before it` };
    } else if (hole < 0) {
      yield { kind: "omitted", index, message: `${where}: sequence ${expected} was to come` };
    } else if (record.previous !== head?.link) {
      const before =
        head === undefined ? "a record before it, and there is none" : `record ${head.index} before it, which has another hash`;
      yield { kind: "rewritten", index: head?.index ?? index, message: `${where}: it was written after ${before}` };
    }
    this.#heads.set(sidecar, { index, sequence, link: hashText(leaf) });
  }

  *#ofStories(index: number, record: ParsedRecord): Generator<Problem> {
    for (const problem of [...this.#grants.next(record), ...this.#plans.next(record)]) {
      if (this.#lost === 0) yield { kind: "unfounded", index, message: `record ${index}: ${problem}` };
    }
  }

  *#meaning(index: number, { type, request, detail }: ParsedRecord): Generator<Problem> {
    if (request === undefined) return;
    if (type === "vote" && detail.accepted === true && detail.verdict === "approve") this.#approved.add(request);
    if (type === "state" && detail.to !== "approved" && detail.to !== "executing") this.#approved.delete(request);
    if (type === "intent") {
      if (detail.effect === "review" && !this.#approved.delete(request) && this.#lost === 0) {
        yield {
          kind: "unfounded",
          index,
          message: `record ${index}: ${request} was dispatched for review, and no approval is recorded before it`,
        };
      }
      if (!this.#intents.has(request)) this.#intents.set(request, index);
    }
    if (type === "outcome") {
      if (!this.#intents.delete(request) && !this.#doubts.has(request) && this.#lost === 0) {
        yield { kind: "unfounded", index, message: `record ${index}: the outcome of ${request} has no intent before it` };
      }
      if (detail.state === "unknown") this.#doubts.add(request);
      else this.#doubts.delete(request);
    }
  }
}

function rangeOf(first: number, count: number): string {
  return count === 1 ? `sequence ${first}` : `sequence ${first} to ${first + count - 1}`;
}
