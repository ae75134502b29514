import {
  actionDigest,
  CountersignError,
  canonicalJson,
  decidePlan,
  type Json,
  mostPlanLines,
  planAction,
  type RequestDraft,
  requestDigest,
  resourcesOf,
} from "@countersign/policy";

/** How far the sidecar's clock may be ahead of ours, milliseconds. */
const clockSkewMs = 60_000;
/** The longest that anything may wait or stay approved, milliseconds. */
const longestMs = 30 * 24 * 3_600_000;

/**
 * Checks that a draft is what it says: digests that fit the action and the binding, a binding that fits the decision, and times that
 * policy gave. A sidecar that is wrong about any of them would have a person sign something else than what is shown.
 *
 * @throws {CountersignError} `invalid_request`.
 */
export function checkDraft(draft: RequestDraft, nowMs: number): void {
  const { binding, decision } = draft;
  const { pendingUntilMs, validForMs } = binding.expiry;
  const longestWaitMs = decision.effect === "review" ? decision.approval.expiresMs + clockSkewMs : longestMs;
  const faults: readonly (readonly [boolean, string])[] = [
    [!/^req_[0-9A-Za-z_-]{1,64}$/.test(binding.requestId), "the request id is not `req_` with letters and digits"],
    [binding.actionDigest !== actionDigest(draft.action), "the action digest does not fit the action"],
    [draft.requestDigest !== requestDigest(binding), "the request digest does not fit the binding"],
    [binding.policyDigest !== decision.policyDigest, "the policy digest is not that of the decision"],
    [canonicalJson({ ...binding.limits }) !== canonicalJson({ ...decision.limits }), "the limits are not those of the decision"],
    [draft.action.role !== decision.role, "the role is not that of the decision"],
    [decision.effect === "review" && decision.approval.requirements.length === 0, "it asks nobody"],
    [
      !isTime(pendingUntilMs) || pendingUntilMs <= nowMs || pendingUntilMs > nowMs + Math.min(longestWaitMs, longestMs),
      "it would wait until a time that is past, or later than policy says",
    ],
    [!isTime(validForMs) || validForMs <= 0 || validForMs > longestMs, "it would stay approved for no time, or too long"],
    [
      decision.effect === "review" && validForMs !== decision.approval.validForMs,
      "it would stay approved for another time than policy says",
    ],
    [!fitsLines(draft), "its lines are not those that were decided on"],
  ];
  const wrong = faults.find(([fault]) => fault)?.[1];
  if (wrong !== undefined) {
    throw new CountersignError(
      "invalid_request",
      `The request was refused: ${wrong}. This is a defect of the sidecar that sent it.`,
    );
  }
}

function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms);
}

/** A plan's lines, what they are tied to, and what was decided on them belong together; what is no plan has none. */
function fitsLines({ action, decision }: RequestDraft): boolean {
  const { operation, lines: terms } = action;
  const decided = decision.lines;
  if (operation.kind !== "plan") return terms === undefined && decided === undefined && resourcesOf(action).length === 1;
  const { lines } = operation;
  if (terms?.length !== lines.length || decided?.length !== lines.length) return false;
  if (lines.length < 1 || lines.length > mostPlanLines) return false;
  const { policyDigest } = decision;
  if (text(decidePlan(decided.map((line) => ({ ...line, policyDigest })))) !== text(decision)) return false;
  const bound = decided.map(({ role, limits }, index) => ({ role, limits, target: terms[index]?.target }));
  return text(bound) === text(terms) && text(planAction(operation, terms, action.principal)) === text(action);
}

/** Through JSON, as it will be stored: what is absent is left out. */
function text(value: unknown): string {
  const json: Json = JSON.parse(JSON.stringify(value));
  return canonicalJson(json);
}
