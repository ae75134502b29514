import {
  type Action,
  CountersignError,
  type Decision,
  decidePlan,
  isOpaque,
  isReadOnly,
  type Json,
  type LineDecision,
  type LineTerms,
  mostPlanLines,
  type Plan,
  planAction,
  planNames,
  type RequestSnapshot,
  survivingLines,
} from "@countersign/policy";
import type { Call } from "../call.ts";
import type { Understood } from "../understood.ts";

/** A call that asks for a plan. */
export interface PlanCall extends Call {
  readonly operation: Plan;
}

/** A plan with all that was found out about its lines. */
export interface AskedPlan {
  readonly call: PlanCall;
  readonly lines: readonly AskedLine[];
  readonly decision: Decision;
}

/** One line: understood and decided on, or not asked about again because it ran or was struck out. */
type AskedLine = (Understood & { readonly decision: Decision }) | SettledLine;

/** A line that does not run any more; what it was tied to and what was decided on it stand. */
interface SettledLine {
  readonly terms: LineTerms;
  readonly decision: Decision;
}

/** What asking about lines takes. */
export interface LineAsking {
  /** @throws {CountersignError} as `Asking.ask`. */
  readonly understand: (call: Call) => Promise<Understood>;
  /** Decides on all of them at one moment, by one policy. */
  readonly decide: (lines: readonly Understood[]) => readonly Decision[];
}

/** Lines that are not asked about, by number. */
export type Settled = ReadonlyMap<number, { readonly terms: LineTerms; readonly decision: LineDecision }>;

/** Whether a call asks for a plan. */
export function isPlanCall(call: Call): call is PlanCall {
  return call.operation.kind === "plan";
}

/** The call of a plan, for whoever records or holds it. */
export function planCall(call: Omit<PlanCall, "resource">): PlanCall {
  return { ...call, resource: planNames(call.operation.lines.map((line) => line.resource)) };
}

/**
 * Finds out about a plan, line by line.
 *
 * @throws {CountersignError} `invalid_request` for no lines or too many; as `Asking.ask`, and the message names the line.
 */
export async function askPlan(call: PlanCall, asking: LineAsking, settled: Settled = new Map()): Promise<AskedPlan> {
  const { lines } = call.operation;
  if (lines.length < 1 || lines.length > mostPlanLines) {
    throw new CountersignError("invalid_request", `A plan has 1 to ${mostPlanLines} lines; this one has ${lines.length}.`);
  }
  const understood = new Map<number, Understood>();
  for (const [index, line] of lines.entries()) {
    if (!settled.has(index)) understood.set(index, await ofLine(index, asking.understand({ ...call, ...line })));
  }
  const asked = [...understood.keys()];
  const decisions = new Map(asking.decide([...understood.values()]).map((decision, place) => [asked[place], decision]));
  const [policyDigest] = [...decisions.values()].map((decision) => decision.policyDigest);
  if (policyDigest === undefined) throw new CountersignError("not_pending", "No line of the plan is left.");
  const all = lines.map((_, index): AskedLine => {
    const [line, decision, before] = [understood.get(index), decisions.get(index), settled.get(index)];
    if (line !== undefined && decision !== undefined) return { ...line, decision };
    if (before === undefined) throw new TypeError(`Line ${index + 1} was not decided on`);
    return { terms: before.terms, decision: { ...before.decision, policyDigest } };
  });
  return { call, lines: all, decision: decidePlan(all.map(({ decision }) => decision)) };
}

async function ofLine<Result>(index: number, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    const { code, message, retryable } = error;
    throw new CountersignError(code, `Line ${index + 1}: ${message}`, { retryable, cause: error });
  }
}

/** What is approved: the plan with all that its lines are tied to. */
export function actionOfPlan({ call, lines }: AskedPlan): Action {
  return planAction(call.operation, lines.map(termsOf), call.principal);
}

function termsOf(line: AskedLine): LineTerms {
  if ("terms" in line) return line.terms;
  const { decision, resource } = line;
  if (decision.effect === "deny") throw new TypeError("A line that is refused has no terms");
  const { role, limits } = decision;
  return { target: resource.connector.target(role), role, limits };
}

/** What was found out, for approvers. */
export function factsOfPlan({ lines }: AskedPlan): Json {
  const facts = lines.map((line) => ("terms" in line ? null : line.facts));
  return { protocol: "plan", lines: JSON.parse(JSON.stringify(facts)) };
}

/** Whether anything of the plan was not fully understood. */
export function isOpaquePlan({ lines }: AskedPlan): boolean {
  return lines.some((line) => !("terms" in line) && isOpaque(line.facts));
}

/** Whether a line is known to change nothing. */
export function isReadOnlyLine({ lines }: AskedPlan, index: number): boolean {
  const line = lines[index];
  return line !== undefined && !("terms" in line) && isReadOnly(line.facts);
}

/** The lines of a request that do not run any more: they are not asked about again. `running` is asked about although it has begun. */
export function settledLines({ action, decision, course, votes }: RequestSnapshot, running: number): Settled {
  const decided = decision.lines ?? [];
  const open = new Set(survivingLines(decided.length, votes).filter((line) => !course?.begun.some((one) => one.line === line)));
  open.add(running);
  return new Map(
    decided.flatMap((one, index) => {
      const terms = action.lines?.[index];
      return open.has(index) || terms === undefined ? [] : [[index, { terms, decision: one }] as const];
    }),
  );
}
