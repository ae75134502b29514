import type { Action } from "./action.ts";
import type { Approver } from "./vote.ts";

/** What was taken back: one request, one grant, or everything of a caller, of an approver, or of a resource. */
export type Revocation =
  | { readonly type: "request"; readonly requestId: string }
  | { readonly type: "grant"; readonly grantId: string }
  | { readonly type: "principal"; readonly issuer: string; readonly subject: string }
  | { readonly type: "approver"; readonly subject: string }
  | { readonly type: "resource"; readonly resource: string };

/** A revocation of everything of one kind, which stands until it is lifted. */
export type LockTarget = Extract<Revocation, { readonly type: "principal" | "approver" | "resource" }>;

/**
 * What a sidecar has to know about revocations. It is kept in memory, so that it can be asked right before every dispatch, in the same turn:
 * once a revocation has returned, nothing that depends on it is dispatched any more.
 */
export interface Revocations {
  /** Why nothing of this caller, or on this resource, may run now: a sentence. Undefined when it may. */
  refusal(action: Pick<Action, "principal" | "resource">): string | undefined;
  /** Whether a person's votes have ceased to count. */
  isLocked(approver: Pick<Approver, "subject" | "accounts">): boolean;
  /** Calls back, in the same turn, for everything that is revoked from now on: what lives by it has to be cut. */
  onRevoked(listener: (revocation: Revocation) => void): Disposable;
}
