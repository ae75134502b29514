import type { ErrorCode } from "@countersign/policy";
import { ErrorInfo } from "@countersign/rpc";
import { type Metadata, status } from "@grpc/grpc-js";

/** What can go wrong on the agent's side of the wire. */
export type ClientErrorCode =
  /** No answer from the sidecar, or the connection to it broke. */
  | "sidecar_unreachable"
  /** The caller's own `timeout` passed; the request itself may still be waiting. */
  | "timeout"
  /** The caller's own `signal` aborted, or the client was closed. */
  | "aborted";

/** The closed list of codes. ARCHITECTURE.md says what to do about each. */
export type CountersignErrorCode = ErrorCode | ClientErrorCode;

/** The codes that a sidecar may send: a newer one's unknown code must not pass for one of ours. */
const wireCodes: Record<ErrorCode, true> = {
  unauthenticated: true,
  invalid_request: true,
  unknown_resource: true,
  invalid_operation: true,
  operation_too_large: true,
  invalid_parameter: true,
  idempotency_conflict: true,
  not_found: true,
  not_cancellable: true,
  out_of_order: true,
  too_many_requests: true,
  denied: true,
  expired: true,
  cancelled: true,
  revoked: true,
  nobody_can_approve: true,
  not_an_approver: true,
  stage_not_reached: true,
  approver_locked: true,
  reason_required: true,
  grant_too_wide: true,
  requester_cannot_vote: true,
  already_voted: true,
  digest_mismatch: true,
  not_pending: true,
  control_plane_unavailable: true,
  audit_unavailable: true,
  shutting_down: true,
  internal: true,
  target_unavailable: true,
  target_credentials: true,
  target_error: true,
  target_lost: true,
  limit_exceeded: true,
  unknown_outcome: true,
  result_gone: true,
};

/** What every call of the SDK rejects with. */
export class CountersignError extends Error {
  override readonly name = "CountersignError";
  readonly code: CountersignErrorCode;
  /** Whether the same call may be made again as it is: it did not run, and may succeed later. */
  readonly retryable: boolean;
  /** The request that it is about; `cs.request(id)` attaches to it. */
  declare readonly requestId?: string;
  /** The target's own code, e.g. a PostgreSQL SQLSTATE. */
  declare readonly targetCode?: string;

  constructor(
    code: CountersignErrorCode,
    message: string,
    options: { retryable?: boolean; requestId?: string | undefined; targetCode?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    if (options.requestId) this.requestId = options.requestId;
    if (options.targetCode) this.targetCode = options.targetCode;
  }
}

/** What a failed call tells when the sidecar sent no `ErrorInfo`: an older sidecar, a proxy, or grpc-js itself. */
const statusCodes: Partial<Record<status, CountersignErrorCode>> = {
  [status.INVALID_ARGUMENT]: "invalid_request",
  [status.UNAUTHENTICATED]: "unauthenticated",
  [status.PERMISSION_DENIED]: "unauthenticated",
  [status.NOT_FOUND]: "not_found",
  [status.ALREADY_EXISTS]: "idempotency_conflict",
  // Without an ErrorInfo it comes from gRPC itself: the message is larger than the sidecar takes.
  [status.RESOURCE_EXHAUSTED]: "operation_too_large",
  [status.FAILED_PRECONDITION]: "not_cancellable",
  [status.DEADLINE_EXCEEDED]: "timeout",
};

/** Why a call failed: gRPC's word, or the sidecar's about one call of a shared stream. */
export interface CallFailure {
  readonly code: status;
  readonly details: string;
  /** Where gRPC carries the sidecar's `ErrorInfo`. */
  readonly metadata?: Metadata;
  /** The sidecar's own word, where it came in a frame. */
  readonly info?: ErrorInfo;
  /** It is certain that the sidecar has not looked at the call. */
  readonly neverSent?: boolean;
}

/** The error that an `ErrorInfo` from the sidecar stands for. */
export function errorFromInfo(info: ErrorInfo, requestId?: string): CountersignError {
  return new CountersignError(
    isErrorCode(info.code) ? info.code : "internal",
    info.message || `The sidecar reports ${info.code}.`,
    {
      retryable: info.retryable,
      requestId: info.requestId || requestId,
      targetCode: info.targetCode,
    },
  );
}

/** The one place where a failed gRPC call becomes a {@link CountersignError}. */
export function errorFromStatus(error: CallFailure, address: string): CountersignError {
  const info = errorInfo(error);
  if (info !== undefined) return errorFromInfo(info);
  const code = isBroken(error) ? "sidecar_unreachable" : (statusCodes[error.code] ?? "internal");
  if (code !== "sidecar_unreachable")
    return new CountersignError(code, `The sidecar at ${address} answered: ${error.details}`, { cause: error });
  return isNeverSent(error)
    ? new CountersignError(
        code,
        `No Countersign sidecar answers at ${address}. Start it with "countersign up", or correct the address.`,
        {
          retryable: true,
          cause: error,
        },
      )
    : new CountersignError(code, `The connection to the sidecar at ${address} broke; the action may have run.`, { cause: error });
}

/** Whether a call ended because the connection did, and not by the sidecar's word. */
export function isBroken(error: CallFailure): boolean {
  const info = errorInfo(error);
  if (info !== undefined) return info.code === "shutting_down";
  // A killed process shows as UNAVAILABLE, a stream reset by a closing server as CANCELLED or INTERNAL.
  return error.code === status.UNAVAILABLE || error.code === status.CANCELLED || error.details.includes("RST_STREAM");
}

/** Whether a call failed before any byte of it left this process, or arrived unseen. In doubt: no. */
export function isNeverSent(error: CallFailure): boolean {
  if (error.neverSent) return true;
  return error.code === status.UNAVAILABLE && /^(No connection established|Name resolution failed)/.test(error.details);
}

function errorInfo(error: CallFailure): ErrorInfo | undefined {
  if (error.info !== undefined) return error.info;
  const [bytes] = error.metadata?.get("countersign-error-bin") ?? [];
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    return ErrorInfo.decode(bytes);
  } catch {
    // Not from a sidecar: the status says what there is to say.
    return undefined;
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(wireCodes, code);
}
