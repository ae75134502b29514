import type { Allow, Review } from "./decision.ts";
import type { ErrorCode, Failure, Outcome, PlanReport } from "./outcome.ts";
import { struckLines, survivingLines } from "./plan.ts";
import type { RequestState } from "./request.ts";
import type { Vote } from "./vote.ts";

/** How far a plan has come. */
export interface PlanCourse {
  /** The lines that were begun, in order; at most the last is at work, or did not succeed. */
  readonly begun: readonly BegunLine[];
  /** Why no other line may begin, said while one was at work. */
  readonly stopped?: Pick<Failure, "code" | "message">;
}

/** A line that was begun. */
export interface BegunLine {
  /** From 0. */
  readonly line: number;
  readonly state: "executing" | "succeeded" | "failed" | "unknown";
  /** Once it has ended. */
  readonly outcome?: Outcome;
}

/** What of a request its course goes by. */
interface Planned {
  readonly decision: Allow | Review;
  readonly votes: readonly Vote[];
  readonly course?: PlanCourse;
  readonly state: RequestState;
}

/** Why a line cannot begin. */
export interface LineRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** How many lines a request has; 0 = it is no plan. */
export function lineCount({ decision }: Pick<Planned, "decision">): number {
  return decision.lines?.length ?? 0;
}

/** The line that is at work; undefined when none is. */
export function lineAtWork({ course }: Pick<Planned, "course">): number | undefined {
  const last = course?.begun.at(-1);
  return last?.state === "executing" ? last.line : undefined;
}

/** Why a line, from 0, cannot begin now, by the votes and by what ran before; undefined when it is the next. */
export function lineRefusal(plan: Planned, line: number): LineRefusal | undefined {
  const { begun = [], stopped } = plan.course ?? {};
  const number = line + 1;
  const left = survivingLines(lineCount(plan), plan.votes);
  if (stopped !== undefined) return stopped;
  if (!Number.isSafeInteger(line) || line < 0 || line >= lineCount(plan)) {
    return { code: "invalid_request", message: `The plan has no line ${number}; it has lines 1 to ${lineCount(plan)}.` };
  }
  if (!left.includes(line)) return { code: "denied", message: `Line ${number} was struck out by an approver; it does not run.` };
  if (begun.some((one) => one.line === line)) {
    return { code: "not_pending", message: `Line ${number} was begun before; each line runs once.` };
  }
  const open = begun.find(({ state }) => state !== "succeeded");
  if (open !== undefined) {
    return { code: "out_of_order", message: `Line ${open.line + 1} has not succeeded, so no line after it can run.` };
  }
  const next = left[begun.length];
  return next === line ? undefined : outOfOrder(number, (next ?? 0) + 1);
}

function outOfOrder(number: number, next: number): LineRefusal {
  return {
    code: "out_of_order",
    message: `The lines run in the order that was approved: line ${next} comes before line ${number}.`,
  };
}

/** The course once a line has begun. */
export function beganLine({ course }: Planned, line: number): PlanCourse {
  return { ...course, begun: [...(course?.begun ?? []), { line, state: "executing" }] };
}

/** What follows from the end of the line that was begun last: the course, and the plan's own outcome when it ends with that. */
export function endedLine(plan: Planned, outcome: Outcome): { readonly course: PlanCourse; readonly outcome?: Outcome } {
  const { begun = [], stopped } = plan.course ?? {};
  const last = begun.at(-1);
  if (last === undefined) throw new TypeError("No line of the plan was begun");
  // What was not sent did not happen: a line has no other word for it.
  const state: BegunLine["state"] = outcome.state === "succeeded" || outcome.state === "unknown" ? outcome.state : "failed";
  const course: PlanCourse = { ...plan.course, begun: [...begun.slice(0, -1), { line: last.line, state, outcome }] };
  const after = { ...plan, course };
  const number = last.line + 1;
  if (state !== "succeeded") {
    const why = outcome.failure?.message ?? "";
    const failure: Failure = {
      ...(outcome.failure ?? { code: "target_error", retryable: false }),
      message: state === "failed" ? `Line ${number} failed: ${why}` : `What became of line ${number} is not known: ${why}`,
      // The same plan does not run again: what it did stands.
      retryable: false,
    };
    return { course, outcome: planOutcome(after, state, failure) };
  }
  if (planReport(after).notReached.length === 0) return { course, outcome: planOutcome(after, "succeeded") };
  // A plan that was in doubt has ended, and does not go on by itself when the doubt is cleared up.
  const ended = plan.state === "unknown" ? lateNews(number) : stopped;
  return ended === undefined ? { course } : { course, outcome: stoppedPlan(after, ended) };
}

type Stop = NonNullable<PlanCourse["stopped"]>;

function lateNews(number: number): Stop {
  return { code: "unknown_outcome", message: `Line ${number} took effect, as is known by now; the plan had ended by then.` };
}

/** The outcome of a plan that was begun and is stopped between two lines: what was reached stands, so it has failed. */
export function stoppedPlan(plan: Planned, { code, message }: Stop): Outcome {
  return planOutcome(plan, "failed", { code, message, retryable: false });
}

/** How far a plan came. */
function planReport(plan: Pick<Planned, "decision" | "votes" | "course">): PlanReport {
  const ran = (plan.course?.begun ?? []).map(({ line }) => line);
  return {
    ran,
    struck: [...struckLines(plan.votes)].sort((a, b) => a - b),
    notReached: survivingLines(lineCount(plan), plan.votes).filter((line) => !ran.includes(line)),
  };
}

function planOutcome(plan: Planned, state: Outcome["state"], failure?: Failure): Outcome {
  const outcomes = (plan.course?.begun ?? []).flatMap(({ outcome }) => outcome ?? []);
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
  const report = planReport(plan);
  return {
    state,
    ...(failure && { failure: { ...failure, message: `${failure.message} ${unreached(report)}`.trim() } }),
    ...{ rows: sum(({ rows }) => rows), bytes: sum(({ bytes }) => bytes), durationMs: sum(({ durationMs }) => durationMs) },
    ...(outcomes.some(({ rowsAffected }) => rowsAffected !== undefined) && {
      rowsAffected: sum(({ rowsAffected = 0 }) => rowsAffected),
    }),
    plan: report,
  };
}

function unreached({ notReached }: PlanReport): string {
  if (notReached.length === 0) return "";
  const numbers = notReached.map((line) => line + 1);
  return numbers.length === 1 ? `Line ${numbers[0]} was not reached.` : `Lines ${numbers.join(", ")} were not reached.`;
}

/** Where a line of a plan stands, for people: struck out and not reached lines are `cancelled`. */
export function lineState(plan: Planned, line: number): RequestState {
  const begun = plan.course?.begun.find((one) => one.line === line);
  if (begun !== undefined) return begun.state;
  if (plan.state === "pending") return struckLines(plan.votes).has(line) ? "cancelled" : "pending";
  const open = plan.state === "approved" || plan.state === "executing";
  return open && !struckLines(plan.votes).has(line) ? "approved" : "cancelled";
}
