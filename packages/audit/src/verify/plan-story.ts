import type { Json } from "../canonical.ts";
import type { ParsedRecord } from "./record.ts";

/** A plan that has not ended. */
interface OpenPlan {
  /** By policy, or by a vote. */
  approved: boolean;
  /** Lines, from 0, that votes struck out. */
  readonly struck: Set<number>;
  /** The line that was dispatched last. */
  last: number;
  /** Whether that line has not succeeded, so that none may come after it. */
  open: boolean;
}

/**
 * Whether what the records say of plans can be true: a line is dispatched only once the plan is approved, in the order of the lines, each once,
 * after the one before it has succeeded, and none that was struck out. Memory grows with what is open, not with the log.
 */
export class PlanStory {
  readonly #plans = new Map<string, OpenPlan>();

  /** Takes the next record; gives what does not fit the ones before it, in words. */
  *next({ type, request, detail }: ParsedRecord): Generator<string> {
    if (request === undefined) return;
    if (type === "request" && Array.isArray(detail.lines)) {
      this.#plans.set(request, { approved: detail.effect === "allow", struck: new Set(), last: -1, open: false });
    }
    if (type === "intent" && detail.effect === "plan") yield* this.#intent(request, detail.line);
    const plan = this.#plans.get(request);
    if (plan === undefined) return;
    if (type === "vote" && detail.accepted === true && detail.verdict === "approve") {
      plan.approved = true;
      for (const line of numbers(detail.struck)) plan.struck.add(line);
    }
    if (type === "outcome" && detail.line === plan.last) plan.open = detail.state !== "succeeded";
    if (type === "state" && detail.to !== "approved" && detail.to !== "executing") this.#plans.delete(request);
  }

  *#intent(request: string, line: Json | undefined): Generator<string> {
    const plan = this.#plans.get(request);
    const what =
      typeof line === "number" ? `line ${line + 1} of the plan ${request}` : `a line without a number of the plan ${request}`;
    if (plan === undefined || typeof line !== "number") {
      yield `${what} was dispatched, and no such plan is open`;
      return;
    }
    if (!plan.approved) yield `${what} was dispatched, and no approval is recorded before it`;
    if (plan.struck.has(line)) yield `${what} was dispatched, although it was struck out`;
    if (line <= plan.last) yield `${what} was dispatched after line ${plan.last + 1}`;
    if (plan.open) yield `${what} was dispatched before line ${plan.last + 1} had succeeded`;
    plan.last = line;
    plan.open = true;
  }
}

function numbers(value: Json | undefined): readonly number[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "number") : [];
}
