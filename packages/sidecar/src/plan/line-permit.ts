import { actionDigest, CountersignError, lineAction, type RequestSnapshot, survivingLines } from "@countersign/policy";
import type { Permit } from "../dispatch.ts";
import { type Finding, permitOf, type Trust } from "../permit.ts";
import type { RecordedPlan } from "./recorded-plan.ts";

/** What the guard itself finds out at the moment of a line's dispatch: about the whole plan, and about that line. */
export interface LineFinding extends Finding {
  /** From 0. */
  readonly line: number;
  readonly recorded: RecordedPlan;
}

/**
 * The last check before a line of a plan is dispatched: everything that is checked of a request, for the plan as a whole; and that the line was
 * left by everybody who approved, that all lines before it have succeeded, and that it was never begun, by what is in the audit log.
 *
 * @throws {CountersignError} as {@link permitOf}; `denied`, `not_pending`, `out_of_order`, `revoked`.
 */
export function linePermit(request: RequestSnapshot, finding: LineFinding, trust: Trust): Permit {
  const permit = permitOf(request, finding, trust);
  const { line, recorded, action } = finding;
  const what = lineAction(action, line);
  const terms = action.lines?.[line];
  const decided = request.decision.lines?.[line];
  if (what === undefined || terms === undefined || decided === undefined) {
    throw refusal("invalid_request", `The plan has no line ${line + 1}.`);
  }
  if (recorded.over) throw refusal("revoked", "The audit log says that the plan was revoked or has ended.");
  const left = survivingLines(action.lines?.length ?? 0, request.votes).filter((one) => !recorded.struck.has(one));
  if (!left.includes(line)) throw refusal("denied", `Line ${line + 1} was struck out by an approver; it does not run.`);
  if (recorded.begun.has(line)) {
    throw refusal("not_pending", `The audit log says that line ${line + 1} was begun before; each line runs once.`);
  }
  const undone = left.find((one) => one < line && recorded.begun.get(one) !== "succeeded");
  if (undone !== undefined) throw refusal("out_of_order", `The audit log does not say that line ${undone + 1} has succeeded.`);
  const late = [...recorded.begun.keys()].find((one) => one > line);
  if (late !== undefined) throw refusal("out_of_order", `Line ${late + 1} was begun already.`);
  return {
    ...permit,
    action: what,
    actionDigest: actionDigest(what),
    rules: decided.rules,
    limits: terms.limits,
    source: { effect: "plan", requestDigest: request.requestDigest, line },
  };

  function refusal(code: CountersignError["code"], message: string): CountersignError {
    return new CountersignError(code, `Nothing was run: ${message}`, { requestId: request.binding.requestId });
  }
}
