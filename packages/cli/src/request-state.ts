import { RequestState } from "@countersign/rpc";
import { type StateName, stateNames } from "./state-name.ts";

/** The wire's value for each plain name. */
export const wireStates = {
  pending: RequestState.PENDING,
  approved: RequestState.APPROVED,
  executing: RequestState.EXECUTING,
  succeeded: RequestState.SUCCEEDED,
  failed: RequestState.FAILED,
  denied: RequestState.DENIED,
  expired: RequestState.EXPIRED,
  cancelled: RequestState.CANCELLED,
  revoked: RequestState.REVOKED,
  unknown: RequestState.UNKNOWN,
} as const satisfies Readonly<Record<StateName, RequestState>>;

/** The plain name of a state from the wire; `unknown` for one that only a newer server knows. */
export function stateName(state: RequestState): StateName {
  return stateNames.find((name) => wireStates[name] === state) ?? "unknown";
}
