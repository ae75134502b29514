/** The closed list of what can go wrong for a caller. ARCHITECTURE.md says what to do about each. */
export type ErrorCode =
  // The call itself.
  | "unauthenticated"
  | "invalid_request"
  | "unknown_resource"
  | "invalid_operation"
  | "operation_too_large"
  | "invalid_parameter"
  | "idempotency_conflict"
  | "not_found"
  | "not_cancellable"
  | "out_of_order"
  | "too_many_requests"
  // The decision.
  | "denied"
  | "expired"
  | "cancelled"
  | "revoked"
  // A vote.
  | "nobody_can_approve"
  | "not_an_approver"
  | "stage_not_reached"
  | "approver_locked"
  | "reason_required"
  | "grant_too_wide"
  | "requester_cannot_vote"
  | "already_voted"
  | "digest_mismatch"
  | "not_pending"
  // Our side.
  | "control_plane_unavailable"
  | "audit_unavailable"
  | "shutting_down"
  | "internal"
  // The target.
  | "target_unavailable"
  | "target_credentials"
  | "target_error"
  | "target_lost"
  | "limit_exceeded"
  | "unknown_outcome"
  | "result_gone";

/** Why something did not succeed. Holds no secret. */
export interface Failure {
  readonly code: ErrorCode;
  /** One sentence: what is wrong and what to do. */
  readonly message: string;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** The target's own code, e.g. a PostgreSQL SQLSTATE. */
  readonly targetCode?: string;
}

/** A {@link Failure} on its way to the boundary that reports it. */
export class CountersignError extends Error implements Failure {
  override readonly name = "CountersignError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly targetCode?: string;
  readonly requestId?: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryable?: boolean; targetCode?: string; requestId?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    if (options.targetCode !== undefined) this.targetCode = options.targetCode;
    if (options.requestId !== undefined) this.requestId = options.requestId;
  }
}

/** How an action ended. */
export interface Outcome {
  readonly state: "succeeded" | "failed" | "denied" | "expired" | "cancelled" | "revoked" | "unknown";
  /** Why, for anything but `succeeded`. */
  readonly failure?: Failure;
  /** The target's completion tag, e.g. `DELETE 3`. */
  readonly commandTag?: string;
  /** How a command ended; a command that ended by itself has succeeded as a dispatch, whatever its code. */
  readonly exit?: Exit;
  /** The status code of the target's HTTP response (RFC 9110 §15). */
  readonly status?: number;
  /** Rows given to the caller. */
  readonly rows: number;
  /** Rows that the statement changed, where the target says so. */
  readonly rowsAffected?: number;
  /** Bytes of result data given to the caller. */
  readonly bytes: number;
  /** From dispatch to outcome. */
  readonly durationMs: number;
  /** The request that took its place, when it ended because of that. */
  readonly replacedBy?: string;
  /** Of a plan: how far it came. */
  readonly plan?: PlanReport;
}

/** How a command ended: by itself with a code, or by a signal, e.g. `TERM` (RFC 4254 §6.10). */
export type Exit = { readonly code: number } | { readonly signal: string };

/** How far a plan came: its lines by number, from 0. Each is in one of the lists. */
export interface PlanReport {
  /** Those that ran, or may have run; all but the last succeeded. */
  readonly ran: readonly number[];
  /** Those that an approver struck out. */
  readonly struck: readonly number[];
  readonly notReached: readonly number[];
}
