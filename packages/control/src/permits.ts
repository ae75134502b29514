import {
  CountersignError,
  type Digest,
  type ErrorCode,
  lineCount,
  type RequestState,
  type Revocations,
} from "@countersign/policy";
import type { Grants } from "./grants.ts";
import type { Ledger } from "./ledger.ts";
import { refusedClaimRecord } from "./request-records.ts";
import type { RequestOverview, StoredRequest } from "./stores/request-store.ts";

/** Why a request in a state cannot be claimed. */
const unclaimable = {
  pending: ["not_pending", "It is not approved yet."],
  executing: ["not_pending", "It was claimed before; a permit is good for one execution."],
  succeeded: ["not_pending", "It was executed before; a permit is good for one execution."],
  failed: ["not_pending", "It was executed before; a permit is good for one execution."],
  unknown: ["not_pending", "It was executed before; a permit is good for one execution."],
  denied: ["denied", "It was denied."],
  expired: ["expired", "Its time is up."],
  cancelled: ["cancelled", "It was cancelled."],
  revoked: ["revoked", "Its approval was revoked."],
} as const satisfies Record<Exclude<RequestState, "approved">, readonly [ErrorCode, string]>;

/** Why a plan that has failed can have ended early, in words for whoever wants to go on with it. */
const endings: ReadonlySet<ErrorCode> = new Set(["expired", "revoked", "cancelled"]);

/** By what a claim is judged. */
export interface PermitParts {
  readonly ledger: Ledger;
  readonly locks: Revocations;
  readonly grants: Pick<Grants, "permits">;
}

/** Who claims what. */
export interface Claimant {
  readonly requestDigest: Digest;
  readonly sidecar: string;
}

/**
 * Makes sure that a request, or the next line of a plan, may be claimed: by its own sidecar, as it was approved, by votes that are right and
 * still count. What the store's state would let through and the votes do not is recorded.
 *
 * @throws {CountersignError} as `RequestBook.claim`.
 */
export async function requirePermit(
  request: StoredRequest,
  claimant: Claimant,
  { ledger, locks, grants }: PermitParts,
): Promise<void> {
  const { requestId } = request.binding;
  if (request.sidecar !== claimant.sidecar) throw refusal("not_found", "There is no such request of this sidecar.");
  if (request.requestDigest !== claimant.requestDigest) {
    throw refusal("digest_mismatch", "What was approved is not what would be executed.");
  }
  if (request.state !== "approved" && !isUnderWay(request)) throw refusal(...whyNot(request));
  requireUnlocked(request.action, requestId, locks);
  if (request.decision.effect !== "review" || ledger.progress(request, request.votes).verdict === "approved") return;
  if (request.grant !== undefined) {
    if (await grants.permits(request.grant, requestId)) return;
    throw refusal("revoked", "The grant that approved it has ended.");
  }
  if (request.votes.some(({ approver }) => [approver, ...(approver.actingFor ?? [])].some((one) => locks.isLocked(one)))) {
    throw refusal("revoked", "Somebody by whose right it was approved is locked, so that vote has ceased to count.");
  }
  await ledger.record(refusedClaimRecord(request, claimant.sidecar, ledger.now()));
  throw refusal("internal", "The stored votes do not approve this request: the store was changed from outside.");

  function refusal(code: ErrorCode, message: string): CountersignError {
    return new CountersignError(code, message, { requestId });
  }
}

/** @throws {CountersignError} `revoked` when the caller or a resource of an action is locked. */
export function requireUnlocked(action: StoredRequest["action"], requestId: string, locks: Revocations): void {
  const locked = locks.refusal(action);
  if (locked !== undefined) throw new CountersignError("revoked", locked, { requestId });
}

/** Whether a request is a plan of which lines have begun, and may begin. */
export function isUnderWay(request: RequestOverview): boolean {
  return request.state === "executing" && lineCount(request) > 0;
}

function whyNot({ state, outcome }: StoredRequest): readonly [ErrorCode, string] {
  const { failure, plan } = outcome ?? {};
  if (plan !== undefined && failure !== undefined) {
    return [endings.has(failure.code) ? failure.code : "not_pending", failure.message];
  }
  return state === "approved" ? ["not_pending", "It is approved."] : unclaimable[state];
}
