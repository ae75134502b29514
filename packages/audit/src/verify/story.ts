import { hashText } from "../hash.ts";
import { GrantStory } from "./grant-story.ts";
import { PlanStory } from "./plan-story.ts";
import type { Problem } from "./problem.ts";
import type { ParsedRecord } from "./record.ts";
import { SessionStory } from "./session-story.ts";
import { StatementsStory } from "./statements-story.ts";

/** An action that was dispatched and of which the log does not tell what became of it: it is at work, or in doubt. Not an error. */
export interface OpenAction {
  /** Of the request, or of the call. */
  readonly request: string;
  /** The record that leaves it open. */
  readonly index: number;
  /**
   * `no-outcome`: an intent without an outcome. `unknown`: its outcome is recorded as unknown. Neither was cleared up by a person. `session`: a recorded
   * session without an end.
   */
  readonly why: "no-outcome" | "unknown" | "session";
}

/**
 * Whether the records, one after the other, tell a story that can be true: each writer's chain is whole, every outcome has its intent,
 * every reviewed intent has an approval before it, every intent by a grant a use of it, the lines of plans their order, shared records hold
 * only what was allowed, and recorded sessions are whole. Memory grows with what is open, not with the log.
 */
export class Story {
  readonly #origin: string;
  readonly #heads = new Map<string, { readonly index: number; readonly sequence: number; readonly link: string }>();
  /** What was dispatched and has no certain outcome. */
  readonly #open = new Map<string, Omit<OpenAction, "request">>();
  /** Of what was open, that of which a person has said what became of it; the target may tell as well. */
  readonly #resolved = new Set<string>();
  readonly #approved = new Set<string>();
  readonly #grants = new GrantStory();
  readonly #plans = new PlanStory();
  readonly #statements = new StatementsStory();
  readonly #sessions = new SessionStory();
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
    const calls = [...this.#open].map(([request, rest]) => ({ request, ...rest }));
    const shared = [...this.#statements.open()].map((one) => ({ ...one, why: "no-outcome" as const }));
    const sessions = [...this.#sessions.open()].map((one) => ({ ...one, why: "session" as const }));
    return [...calls, ...shared, ...sessions];
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
    const shared = [...this.#statements.next(record, index), ...this.#sessions.next(record, index)];
    const problems = [...this.#grants.next(record), ...this.#plans.next(record), ...shared];
    for (const problem of problems) {
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
      if (!this.#open.has(request)) this.#open.set(request, { index, why: "no-outcome" });
    }
    if (type === "resolution" && this.#open.delete(request)) this.#resolved.add(request);
    if (type === "outcome") yield* this.#outcome(index, request, detail.state === "unknown");
  }

  *#outcome(index: number, request: string, isUnknown: boolean): Generator<Problem> {
    const isResolved = this.#resolved.has(request);
    if (!this.#open.has(request) && !isResolved && this.#lost === 0) {
      yield { kind: "unfounded", index, message: `record ${index}: the outcome of ${request} has no intent before it` };
    }
    this.#open.delete(request);
    if (!isUnknown) this.#resolved.delete(request);
    else if (!isResolved) this.#open.set(request, { index, why: "unknown" });
  }
}

function rangeOf(first: number, count: number): string {
  return count === 1 ? `sequence ${first}` : `sequence ${first} to ${first + count - 1}`;
}
