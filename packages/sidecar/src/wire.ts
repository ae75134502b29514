import type { LogReceipt } from "@countersign/audit";
import type { Decision, Limits, LineOperation, Operation, Outcome, PostgresParameter, RequestState } from "@countersign/policy";
import { CountersignError } from "@countersign/policy";
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
 * Reads an operation from the wire. Untrusted input: every field is checked here and trusted inside.
 *
 * @throws {CountersignError} `invalid_request` when there is none of a known kind.
 */
export function operationFromWire(message: rpc.Operation | undefined): LineOperation {
  if (message?.operation?.$case !== "postgresQuery") {
    throw new CountersignError("invalid_request", "The call holds no operation of a known kind; expected `postgres_query`.");
  }
  const { statement, parameters } = message.operation.value;
  return { kind: "postgres.query", statement, parameters: parameters.map(parameterFromWire) };
}

function parameterFromWire(message: rpc.PostgresParameter, index: number): PostgresParameter {
  switch (message.value?.$case) {
    case "null":
      return null;
    case "text":
      return { text: message.value.value };
    case "binary":
      return { binary: Buffer.from(message.value.value).toString("base64url") };
    default:
      throw new CountersignError("invalid_parameter", `Parameter $${index + 1} holds no value; send \`null\` for SQL NULL.`);
  }
}

/** An operation for the caller. */
export function wireOperation(operation: Operation): rpc.Operation {
  // No connector takes another kind yet.
  if (operation.kind !== "postgres.query") throw new TypeError(`the wire has no form for ${operation.kind}`);
  const { statement, parameters } = operation;
  return { operation: { $case: "postgresQuery", value: { statement, parameters: parameters.map(wireParameter) } } };
}

function wireParameter(parameter: PostgresParameter): rpc.PostgresParameter {
  if (parameter === null) return { value: { $case: "null", value: true } };
  return "text" in parameter
    ? { value: { $case: "text", value: parameter.text } }
    : { value: { $case: "binary", value: Buffer.from(parameter.binary, "base64url") } };
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
