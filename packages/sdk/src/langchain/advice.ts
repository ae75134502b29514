import type { CountersignError, CountersignErrorCode } from "../errors.ts";

/** What a model is told to do about each way to fail. */
const advice = {
  refused: "It did not run. Do not call again unchanged: choose another way or tell the user.",
  late: "It did not run: nobody agreed in time. Do not call again unchanged unless the user asks for it.",
  correct: "It did not run. Correct the call.",
  statement: "Correct the statement.",
  narrow: "Ask for less, e.g. with a LIMIT or a narrower condition.",
  doubt: "It is not known whether it ran. Do not call again unchanged: look at the data first, or tell the user.",
  operator: "It did not run, and that is not the statement's fault. Do not call again; tell the user.",
  wait: "It did not run. It may be called again later.",
} as const;

const kinds: Record<CountersignErrorCode, keyof typeof advice> = {
  denied: "refused",
  cancelled: "refused",
  revoked: "refused",
  expired: "late",
  timeout: "doubt",
  aborted: "doubt",
  invalid_request: "correct",
  invalid_operation: "correct",
  invalid_parameter: "correct",
  operation_too_large: "correct",
  target_error: "statement",
  limit_exceeded: "narrow",
  unknown_outcome: "doubt",
  target_lost: "doubt",
  result_gone: "doubt",
  internal: "doubt",
  sidecar_unreachable: "doubt",
  too_many_requests: "wait",
  shutting_down: "wait",
  control_plane_unavailable: "operator",
  audit_unavailable: "operator",
  unauthenticated: "operator",
  unknown_resource: "operator",
  target_unavailable: "operator",
  target_credentials: "operator",
  idempotency_conflict: "operator",
  not_found: "operator",
  not_cancellable: "operator",
  out_of_order: "operator",
  nobody_can_approve: "operator",
  not_an_approver: "operator",
  stage_not_reached: "operator",
  approver_locked: "operator",
  reason_required: "operator",
  grant_too_wide: "operator",
  requester_cannot_vote: "operator",
  already_voted: "operator",
  digest_mismatch: "operator",
  not_pending: "operator",
};

/** A failed call as a short text for a model. `held` = no person had agreed when the waiting ended. */
export function explain({ code, message, targetCode, retryable }: CountersignError, held: boolean): string {
  const kind = code === "timeout" && held ? "late" : code === "sidecar_unreachable" && retryable ? "operator" : kinds[code];
  const name = code === "target_error" && targetCode ? `PostgreSQL error ${targetCode}` : code;
  return `${name}: ${message} ${advice[kind]}`;
}
