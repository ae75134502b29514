import { ApiError } from "./api-error.ts";

/** An error in words for a person, and what the page offers next. */
export interface Explanation {
  readonly title: string;
  readonly detail: string;
  /** `refresh`: what is on the screen is out of date. */
  readonly next: "retry" | "refresh" | "sign-in" | "none";
}

type Row = { readonly title: string; readonly next: Explanation["next"]; readonly detail?: string };

const rows: Readonly<Record<string, Row>> = {
  unauthenticated: { title: "You are signed out", next: "sign-in" },
  not_found: { title: "Not found", next: "none" },
  invalid_request: { title: "It cannot be sent like this", next: "none" },
  invalid_operation: { title: "It could not be understood", next: "none" },
  invalid_parameter: { title: "A value does not fit", next: "none" },
  operation_too_large: { title: "It is too large", next: "none" },
  denied: { title: "Policy refuses it", next: "none" },
  nobody_can_approve: { title: "Nobody could approve it", next: "none" },
  digest_mismatch: { title: "The request is not the one you saw", next: "refresh" },
  not_pending: { title: "This request is no longer waiting", next: "refresh" },
  expired: { title: "This request has expired", next: "refresh" },
  cancelled: { title: "This request was cancelled", next: "refresh" },
  revoked: { title: "It was revoked meanwhile", next: "refresh" },
  already_voted: { title: "You have already voted", next: "refresh" },
  not_an_approver: { title: "You are not asked to decide this", next: "refresh" },
  stage_not_reached: { title: "It is not your turn yet", next: "refresh" },
  approver_locked: { title: "Your right to decide was taken back", next: "none" },
  reason_required: { title: "A reason is needed", next: "none" },
  grant_too_wide: { title: "That grant is wider than the rule permits", next: "none" },
  requester_cannot_vote: { title: "The one who asks cannot decide", next: "refresh" },
  too_many_requests: { title: "Too many attempts", next: "retry" },
  audit_unavailable: { title: "The audit log cannot be written", next: "retry" },
  shutting_down: { title: "Countersign is stopping", next: "retry" },
  control_plane_unavailable: { title: "Countersign is not available", next: "retry" },
  unreachable: {
    title: "Countersign did not answer",
    next: "retry",
    detail: "Check that it is running and that this machine can reach it.",
  },
  unreadable: { title: "The answer could not be read", next: "retry" },
};

/** The one place where an error becomes words. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof ApiError))
    return { title: "Something went wrong in this page", detail: "Reload it and try again.", next: "retry" };
  const row = rows[error.code];
  const next = row?.next ?? (error.retryable ? "retry" : "none");
  return { title: row?.title ?? "That did not work", detail: row?.detail ?? error.message, next };
}
