import { CountersignError, type ErrorCode } from "@countersign/policy";
import { status } from "@grpc/grpc-js";

/** What each error code is on the wire. */
const statuses = {
  unauthenticated: [status.UNAUTHENTICATED, 401],
  invalid_request: [status.INVALID_ARGUMENT, 400],
  unknown_resource: [status.NOT_FOUND, 404],
  invalid_operation: [status.INVALID_ARGUMENT, 400],
  operation_too_large: [status.INVALID_ARGUMENT, 413],
  invalid_parameter: [status.INVALID_ARGUMENT, 400],
  idempotency_conflict: [status.ALREADY_EXISTS, 409],
  not_found: [status.NOT_FOUND, 404],
  not_cancellable: [status.FAILED_PRECONDITION, 409],
  out_of_order: [status.FAILED_PRECONDITION, 409],
  too_many_requests: [status.RESOURCE_EXHAUSTED, 429],
  denied: [status.PERMISSION_DENIED, 403],
  expired: [status.FAILED_PRECONDITION, 409],
  cancelled: [status.CANCELLED, 409],
  revoked: [status.FAILED_PRECONDITION, 409],
  nobody_can_approve: [status.FAILED_PRECONDITION, 409],
  not_an_approver: [status.PERMISSION_DENIED, 403],
  stage_not_reached: [status.FAILED_PRECONDITION, 409],
  approver_locked: [status.PERMISSION_DENIED, 403],
  reason_required: [status.INVALID_ARGUMENT, 400],
  grant_too_wide: [status.INVALID_ARGUMENT, 400],
  requester_cannot_vote: [status.PERMISSION_DENIED, 403],
  already_voted: [status.ALREADY_EXISTS, 409],
  digest_mismatch: [status.FAILED_PRECONDITION, 409],
  not_pending: [status.FAILED_PRECONDITION, 409],
  control_plane_unavailable: [status.UNAVAILABLE, 503],
  audit_unavailable: [status.UNAVAILABLE, 503],
  shutting_down: [status.UNAVAILABLE, 503],
  internal: [status.INTERNAL, 500],
  target_unavailable: [status.UNAVAILABLE, 502],
  target_credentials: [status.FAILED_PRECONDITION, 502],
  target_error: [status.FAILED_PRECONDITION, 502],
  target_lost: [status.ABORTED, 502],
  limit_exceeded: [status.OUT_OF_RANGE, 422],
  unknown_outcome: [status.DATA_LOSS, 502],
  result_gone: [status.OUT_OF_RANGE, 410],
} as const satisfies Record<ErrorCode, readonly [status, number]>;

/** The gRPC status of a code. */
export function grpcStatus(code: ErrorCode): status {
  return statuses[code][0];
}

/** The HTTP status of a code. */
export function httpStatus(code: ErrorCode): number {
  return statuses[code][1];
}

/** An error in the words that may go out; what is not ours to say becomes `internal`, and the cause stays inside. */
export function outward(error: unknown): CountersignError {
  return error instanceof CountersignError
    ? error
    : new CountersignError("internal", "Something went wrong inside Countersign; its log says what.", {
        retryable: false,
        cause: error,
      });
}
