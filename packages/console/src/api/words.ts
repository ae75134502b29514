import type * as rpc from "@countersign/rpc";
import type { State, Verdict } from "./model.ts";

/** Wire name of each meaningful member of a generated enum. */
type WireNames<Prefix extends string, Enum, Word> = Readonly<
  Record<`${Prefix}_${Exclude<keyof Enum & string, "UNSPECIFIED" | "UNRECOGNIZED">}`, Word>
>;

/** States by their wire names. */
export const states = {
  REQUEST_STATE_PENDING: "pending",
  REQUEST_STATE_APPROVED: "approved",
  REQUEST_STATE_EXECUTING: "executing",
  REQUEST_STATE_SUCCEEDED: "succeeded",
  REQUEST_STATE_FAILED: "failed",
  REQUEST_STATE_DENIED: "denied",
  REQUEST_STATE_EXPIRED: "expired",
  REQUEST_STATE_CANCELLED: "cancelled",
  REQUEST_STATE_REVOKED: "revoked",
  REQUEST_STATE_UNKNOWN: "unknown",
} as const satisfies WireNames<"REQUEST_STATE", typeof rpc.RequestState, State>;

/** Verdicts by their wire names. */
export const verdicts = {
  VERDICT_APPROVE: "approve",
  VERDICT_DENY: "deny",
} as const satisfies WireNames<"VERDICT", typeof rpc.Verdict, Verdict>;

/** The wire name of a state, e.g. `REQUEST_STATE_PENDING`. */
export function wireState(state: State): string {
  return `REQUEST_STATE_${state.toUpperCase()}`;
}

/** The wire name of a verdict, e.g. `VERDICT_APPROVE`. */
export function wireVerdict(verdict: Verdict): string {
  return `VERDICT_${verdict.toUpperCase()}`;
}
