import { canonicalDigest, type Digest } from "./canonical.ts";
import type { Limits } from "./decision.ts";

/** Where a request stands. */
export type RequestState =
  | "pending"
  | "approved"
  | "executing"
  | "succeeded"
  | "failed"
  | "denied"
  | "expired"
  | "cancelled"
  | "revoked"
  | "unknown";

/** The whole life of a request. What is not in this table cannot happen. */
export const transitions = {
  pending: ["approved", "denied", "expired", "cancelled"],
  approved: ["executing", "revoked", "expired", "cancelled"],
  executing: ["succeeded", "failed", "unknown"],
  succeeded: [],
  failed: [],
  denied: [],
  expired: [],
  cancelled: [],
  revoked: [],
  // A doubt may be resolved later, by the target or by a person.
  unknown: ["succeeded", "failed"],
} as const satisfies Record<RequestState, readonly RequestState[]>;

/** Whether the table lets a request go from one state to another. */
export function canTransition(from: RequestState, to: RequestState): boolean {
  const next: readonly RequestState[] = transitions[from];
  return next.includes(to);
}

/** Whether nothing more happens to a request in this state by itself. */
export function isFinal(state: RequestState): boolean {
  return state === "unknown" || transitions[state].length === 0;
}

/** What a vote is bound to. */
export interface RequestBinding {
  readonly requestId: string;
  readonly actionDigest: Digest;
  readonly policyDigest: Digest;
  readonly limits: Limits;
  readonly expiry: {
    /** When it stops waiting, milliseconds since the Unix epoch. */
    readonly pendingUntilMs: number;
    /** From approval to dispatch, milliseconds. */
    readonly validForMs: number;
  };
  /** 128 random bits, base64url. */
  readonly nonce: string;
}

/** The digest that votes are over: `sha256("countersign/request/v1\n" ‖ JCS(binding))`. */
export function requestDigest(binding: RequestBinding): Digest {
  return canonicalDigest("countersign/request/v1", {
    requestId: binding.requestId,
    actionDigest: binding.actionDigest,
    policyDigest: binding.policyDigest,
    limits: { ...binding.limits },
    expiry: { ...binding.expiry },
    nonce: binding.nonce,
  });
}
