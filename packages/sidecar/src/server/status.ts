import { CountersignError, type ErrorCode } from "@countersign/policy";
import { ErrorInfo } from "@countersign/rpc";
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";

/** The trailer that carries a failed call's `ErrorInfo`. */
export const errorTrailer = "countersign-error-bin";

/** The gRPC status of each error code; the trailer says the rest. */
const statusOf = {
  unauthenticated: status.UNAUTHENTICATED,
  invalid_request: status.INVALID_ARGUMENT,
  unknown_resource: status.NOT_FOUND,
  invalid_operation: status.INVALID_ARGUMENT,
  operation_too_large: status.INVALID_ARGUMENT,
  invalid_parameter: status.INVALID_ARGUMENT,
  idempotency_conflict: status.ALREADY_EXISTS,
  not_found: status.NOT_FOUND,
  not_cancellable: status.FAILED_PRECONDITION,
  out_of_order: status.FAILED_PRECONDITION,
  too_many_requests: status.RESOURCE_EXHAUSTED,
  denied: status.PERMISSION_DENIED,
  expired: status.FAILED_PRECONDITION,
  cancelled: status.CANCELLED,
  revoked: status.FAILED_PRECONDITION,
  nobody_can_approve: status.FAILED_PRECONDITION,
  not_an_approver: status.PERMISSION_DENIED,
  stage_not_reached: status.FAILED_PRECONDITION,
  approver_locked: status.PERMISSION_DENIED,
  reason_required: status.INVALID_ARGUMENT,
  grant_too_wide: status.INVALID_ARGUMENT,
  requester_cannot_vote: status.PERMISSION_DENIED,
  already_voted: status.ALREADY_EXISTS,
  digest_mismatch: status.FAILED_PRECONDITION,
  not_pending: status.FAILED_PRECONDITION,
  control_plane_unavailable: status.UNAVAILABLE,
  audit_unavailable: status.UNAVAILABLE,
  shutting_down: status.UNAVAILABLE,
  internal: status.INTERNAL,
  target_unavailable: status.UNAVAILABLE,
  target_credentials: status.FAILED_PRECONDITION,
  target_error: status.FAILED_PRECONDITION,
  target_lost: status.ABORTED,
  limit_exceeded: status.OUT_OF_RANGE,
  unknown_outcome: status.DATA_LOSS,
  result_gone: status.OUT_OF_RANGE,
} as const satisfies Record<ErrorCode, status>;

/** What a failed call answers, as a status. */
export function statusResponse(error: unknown): Partial<StatusObject> {
  const known = toKnown(error);
  const metadata = new Metadata();
  metadata.set(errorTrailer, Buffer.from(ErrorInfo.encode(errorInfo(known)).finish()));
  return { code: statusOf[known.code], details: known.message, metadata };
}

/** What a failed call tells its caller. Causes stay inside: only a {@link CountersignError}'s own words go out. */
export function errorInfo(error: unknown): ErrorInfo {
  const { code, message, requestId = "", retryable, targetCode = "" } = toKnown(error);
  return { code, message, requestId, retryable, targetCode };
}

function toKnown(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  if (error instanceof Error && error.name === "AuditError") {
    return new CountersignError("audit_unavailable", "The audit log cannot be written, so nothing was run.", { retryable: true });
  }
  return new CountersignError("internal", "An internal error; the sidecar's log says more.");
}
