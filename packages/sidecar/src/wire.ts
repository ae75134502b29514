import type { LogReceipt } from "@countersign/audit";
import type { Decision, Limits, LineOperation, Outcome, RequestState } from "@countersign/policy";
import { CountersignError, connectionOf, readOperationMessage } from "@countersign/policy";
import * as rpc from "@countersign/rpc";

/** The wire's name of a request's state. */
export const wireState = {
  pending: rpc.RequestState.PENDING,
  approved: rpc.RequestState.APPROVED,
  executing: rpc.RequestState.EXECUTING,
  succeeded: rpc.RequestState.SUCCEEDED,
  failed: rpc.RequestState.FAILED,
  denied: rpc.RequestState.DENIED,
  expired: rpc.RequestState.EXPIRED,
  cancelled: rpc.RequestState.CANCELLED,
  revoked: rpc.RequestState.REVOKED,
  unknown: rpc.RequestState.UNKNOWN,
} as const satisfies Record<RequestState, rpc.RequestState>;

const wireEffect = { allow: rpc.Effect.ALLOW, deny: rpc.Effect.DENY, review: rpc.Effect.REVIEW } as const;

/**
 * Reads an operation from the wire. Untrusted input: every field is checked here or when the operation is classified, and trusted after that.
 *
 * @throws {CountersignError} `invalid_request` when there is none of a known kind, or it claims to be an unmodified client's.
 */
export function operationFromWire(message: rpc.Operation | undefined): LineOperation {
  const operation = readOperationMessage(message);
  if (operation === undefined) {
    const expected = "expected one of `postgres_query`, `ssh_exec`, `ssh_file`, `kubernetes_request`, `http_request`, `mcp_call`";
    throw new CountersignError("invalid_request", `The call holds no operation of a known kind; ${expected}.`);
  }
  // Only the connection itself says so: an agent could otherwise act on another client's, have input run that nobody has seen, or say of an
  // EXECUTE that it runs something harmless.
  if (connectionOf(operation) !== undefined || ("streamed" in operation && operation.streamed) || "runs" in operation) {
    const message = "Only an unmodified client's own connection sets `connection`, `streamed` and `runs`.";
    throw new CountersignError("invalid_request", message);
  }
  return operation;
}

/** Bounds on a result, 0 = none. */
function wireLimits(limits: Limits): rpc.Limits {
  return { rows: limits.rows ?? 0, bytes: limits.bytes ?? 0, timeMs: limits.timeMs ?? 0 };
}

/** A decision for the caller. */
export function wireDecision(decision: Decision, opaque: boolean): rpc.Decision {
  return {
    effect: wireEffect[decision.effect],
    rules: [...decision.rules],
    role: decision.effect === "deny" ? "" : decision.role,
    limits: wireLimits(decision.effect === "deny" ? {} : decision.limits),
    message: decision.message ?? "",
    policyDigest: decision.policyDigest,
    opaque,
  };
}

/** What a receipt says beside its proof. */
export interface Proven {
  readonly requestId: string;
  readonly actionDigest: string;
  readonly effect: "allow" | "review";
  /** The grant by which it ran, if any. */
  readonly grant?: string;
}

/** A receipt for the caller. */
export function wireReceipt(proven: Proven, receipt: LogReceipt): rpc.Receipt {
  return {
    requestId: proven.requestId,
    actionDigest: proven.actionDigest,
    effect: wireEffect[proven.effect],
    logIndex: receipt.index,
    record: Buffer.from(receipt.record),
    inclusionProof: receipt.proof.map((hash) => Buffer.from(hash)),
    checkpoint: receipt.checkpoint,
    grant: proven.grant ?? "",
  };
}

/** How an action ended, for the caller. */
export function wireOutcome(outcome: Outcome, requestId: string, receipt: rpc.Receipt | undefined): rpc.Outcome {
  const { failure } = outcome;
  return {
    state: wireState[outcome.state],
    error: failure && {
      code: failure.code,
      message: failure.message,
      requestId,
      retryable: failure.retryable,
      targetCode: failure.targetCode ?? "",
    },
    commandTag: outcome.commandTag ?? "",
    rows: outcome.rows,
    rowsAffected: outcome.rowsAffected ?? 0,
    bytes: outcome.bytes,
    durationMs: Math.round(outcome.durationMs),
    receipt,
    exitCode: outcome.exit && "code" in outcome.exit ? outcome.exit.code : undefined,
    signal: outcome.exit && "signal" in outcome.exit ? outcome.exit.signal : "",
    status: outcome.status ?? 0,
  };
}

/** What the event stream of one request carries, without its number and time. */
export type EventBody = NonNullable<rpc.Event["event"]>;

/** The decision, as the first thing that a caller hears. */
export function decidedEvent(decision: Decision, opaque: boolean, digest: string): EventBody {
  return { $case: "decided", value: { decision: wireDecision(decision, opaque), actionDigest: digest } };
}

/** A grant agreed in the place of people. */
export function grantedEvent({ grantId }: { readonly grantId: string }, validUntilMs: number): EventBody {
  return { $case: "approved", value: { validUntilMs, grant: grantId } };
}
