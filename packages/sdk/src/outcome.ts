import type { Exit, Outcome as PolicyOutcome, RequestState as State } from "@countersign/policy";
import { RequestState, type Outcome as WireOutcome, type Receipt as WireReceipt } from "@countersign/rpc";
import { effectFromWire } from "./decision.ts";
import { CountersignError, type CountersignErrorCode, errorFromInfo } from "./errors.ts";
import type { Replacement } from "./replacement.ts";
import type { Column } from "./row-reader.ts";

/** Where a request stands. */
export type RequestStatus = State;

/** How a request ended. */
export type OutcomeState = PolicyOutcome["state"];

/** Proof that the outcome is in the audit log; `countersign audit verify` and `verifyReceipt` of `@countersign/audit` check it. */
export interface Receipt {
  readonly requestId: string;
  /** Digest of the executed action, `sha256:<hex>`. */
  readonly actionDigest: string;
  readonly effect: "allow" | "review";
  /** Zero-based index of the outcome record in the log. */
  readonly logIndex: number;
  /** The exact bytes of the record. */
  readonly record: Uint8Array;
  /** RFC 6962 audit path from the leaf to the root. */
  readonly inclusionProof: readonly Uint8Array[];
  /** Signed tree head (C2SP tlog-checkpoint). */
  readonly checkpoint: string;
  /** The standing approval by which it ran, `grant_…`; absent when there was none. */
  readonly grant?: string;
}

/** What is known of a statement that ran. */
export interface Summary {
  /** The request or call, `req_…`. */
  readonly requestId: string;
  /** Digest of the action, `sha256:<hex>`. */
  readonly digest: string;
  /** What ran, as PostgreSQL's completion tag names it: `SELECT`, `DELETE`, `CREATE TABLE`. */
  readonly command: string;
  /** Rows selected or changed, where the completion tag tells. */
  readonly rowCount: number | null;
  /** Shape of the result; empty when the statement gives no rows. */
  readonly columns: readonly Column[];
  /** Absent when nothing was dispatched or the log could not be written. */
  readonly receipt?: Receipt;
  /** What took the place of what was asked for, the first first; absent = it is what was asked for. `requestId` and `digest` are the last one's. */
  readonly replaced?: readonly Replacement[];
  /** From dispatch to outcome. */
  readonly durationMs: number;
}

/** The head of an HTTP response. */
interface ResponseHead {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** How a request ended, with its result. */
export interface Outcome<Row = Record<string, unknown>> extends Summary {
  readonly state: OutcomeState;
  /** Why, for anything but `succeeded`. */
  readonly error?: CountersignError;
  readonly rows: readonly Row[];
  /** How a command ended: by itself with a code, or by a signal. */
  readonly exit?: Exit;
  /** What a command wrote, or a file holds. */
  readonly output?: { readonly stdout: Buffer; readonly stderr: Buffer };
  /** The response to an HTTP request. */
  readonly response?: ResponseHead & { readonly body: Buffer };
  /** True when it ran, but its result is no longer kept (all of it): `rows`, `output` or `response` is not the whole result. */
  readonly resultGone: boolean;
}

const states: Record<number, RequestStatus> = {
  [RequestState.PENDING]: "pending",
  [RequestState.APPROVED]: "approved",
  [RequestState.EXECUTING]: "executing",
  [RequestState.SUCCEEDED]: "succeeded",
  [RequestState.FAILED]: "failed",
  [RequestState.DENIED]: "denied",
  [RequestState.EXPIRED]: "expired",
  [RequestState.CANCELLED]: "cancelled",
  [RequestState.REVOKED]: "revoked",
  [RequestState.UNKNOWN]: "unknown",
};

/** The code for an outcome whose error the sidecar left out. */
const codes: Record<Exclude<OutcomeState, "succeeded">, CountersignErrorCode> = {
  failed: "target_error",
  denied: "denied",
  expired: "expired",
  cancelled: "cancelled",
  revoked: "revoked",
  unknown: "unknown_outcome",
};

/** The wire's state; a newer sidecar's unknown one is `unknown`. */
export function statusFromWire(state: RequestState): RequestStatus {
  return states[state] ?? "unknown";
}

/** How it ended; anything that is not an end is `unknown`, never a success. */
export function outcomeState(outcome: WireOutcome): OutcomeState {
  const state = statusFromWire(outcome.state);
  return state === "succeeded" || Object.hasOwn(codes, state) ? (state as OutcomeState) : "unknown";
}

/** Why it did not succeed. */
export function outcomeError(outcome: WireOutcome, requestId: string): CountersignError | undefined {
  const state = outcomeState(outcome);
  if (state === "succeeded") return undefined;
  if (outcome.error !== undefined) return errorFromInfo(outcome.error, requestId);
  return new CountersignError(codes[state], `The request ended as ${state}.`, { requestId });
}

/** Why a caller that wants the whole result cannot have it; `undefined` when it can. */
export function failureOf(outcome: Outcome<unknown>): CountersignError | undefined {
  if (outcome.error !== undefined || !outcome.resultGone) return outcome.error;
  const message = `${outcome.command === "" ? "It" : `The ${outcome.command}`} ran, but its result was lost on the way; do not run it again only to get it.`;
  return new CountersignError("result_gone", message, { requestId: outcome.requestId });
}

/** How a command ended; `undefined` for what is no command. */
export function exitFromWire({ exitCode, signal }: WireOutcome): Exit | undefined {
  if (signal !== "") return { signal };
  return exitCode === undefined ? undefined : { code: exitCode };
}

/** The completion tag's words and its count: `INSERT 0 3` is `INSERT` and 3. */
export function commandFromTag(tag: string): { command: string; rowCount: number | null } {
  const match = /^([A-Z ]*[A-Z])(?: \d+)*? ?(\d+)?$/.exec(tag);
  return { command: match?.[1] ?? tag, rowCount: match?.[2] === undefined ? null : Number(match[2]) };
}

/** A receipt from the wire. */
export function receiptFromWire({ grant, ...receipt }: WireReceipt): Receipt {
  const effect = effectFromWire(receipt.effect);
  return { ...receipt, effect: effect === "review" ? effect : "allow", ...(grant === "" ? {} : { grant }) };
}
