import type { RequestState } from "@countersign/policy";
import * as rpc from "@countersign/rpc";

/** The wire's name of each state. */
export const stateMessages = {
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
