import type { KeyObject } from "node:crypto";
import {
  type Action,
  actionDigest,
  CountersignError,
  canonicalJson,
  type Decision,
  quorum,
  type RequestSnapshot,
  type Revocations,
  requestDigest,
  type Voter,
  verifyVote,
} from "@countersign/policy";
import type { Permit } from "./dispatch.ts";

/** What the guard itself finds out about a request at the moment of dispatch, trusting no stored row. */
export interface Finding {
  /** The action as it would be dispatched now, with today's target identity. */
  readonly action: Action;
  /** What the current policy says about it. */
  readonly decision: Decision;
  readonly readOnly: boolean;
  /** Whether the grant that approved the request covers the action now; absent where none did. */
  readonly covered?: boolean;
}

/** By what votes are judged. */
export interface Trust {
  /** The public key of the service that signs votes (Ed25519). */
  readonly voteKey: KeyObject;
  readonly revocations: Pick<Revocations, "isLocked">;
}

/**
 * The last check before dispatch. Recomputes both digests from the bytes that are about to be sent, asks the current policy again, verifies
 * every vote's signature and counts the quorum that policy (not the stored row) asks for.
 *
 * @throws {CountersignError} `digest_mismatch` when anything differs from what was approved; `revoked` when policy now decides differently.
 */
export function permitOf(request: RequestSnapshot, finding: Finding, { voteKey, revocations }: Trust): Permit {
  const { binding } = request;
  const decision = requireSameTerms(request.decision, finding.decision, binding.requestId);
  const digest = actionDigest(finding.action);
  if (digest !== binding.actionDigest) throw mismatch("the action differs from the one that was asked for");
  if (requestDigest(binding) !== request.requestDigest) throw mismatch("the request's terms were changed after it was opened");
  if (canonicalJson({ ...decision.limits }) !== canonicalJson({ ...binding.limits }))
    throw mismatch("the limits differ from the approved ones");
  const permit = {
    id: binding.requestId,
    action: finding.action,
    actionDigest: digest,
    policyDigest: decision.policyDigest,
    rules: decision.rules,
    limits: decision.limits,
    readOnly: finding.readOnly,
  };
  if (decision.effect === "allow") {
    const { reason, session } = request;
    return { ...permit, source: { effect: "allow", asked: { operation: finding.action.operation, reason, session } } };
  }
  if (request.grant !== undefined) {
    if (finding.covered !== true) {
      const message = "The grant that approved it has ended, or does not cover it any more; nothing was run.";
      throw new CountersignError("revoked", message, { requestId: binding.requestId });
    }
    const { reason, session, grant } = request;
    return {
      ...permit,
      source: { effect: "grant", use: grant, asked: { operation: finding.action.operation, reason, session } },
    };
  }
  const votes = request.votes.filter(
    (vote) => vote.requestDigest === request.requestDigest && vote.requestId === binding.requestId && verifyVote(vote, voteKey),
  );
  if (votes.length !== request.votes.length)
    throw mismatch("a stored vote is not over this request or its signature does not verify");
  const excluded = [finding.action.principal, ...(request.owner === undefined ? [] : [{ issuer: "", subject: request.owner }])];
  const isLocked = (person: Voter) => revocations.isLocked(person);
  // The digest that was voted on holds when it stops waiting, and so when it began to.
  const openedMs = binding.expiry.pendingUntilMs - decision.approval.expiresMs;
  if (quorum(decision.approval, votes, { excluded, openedMs, isLocked }).verdict !== "approved")
    throw mismatch("the votes do not satisfy what the policy asks for");
  return { ...permit, source: { effect: "review", requestDigest: request.requestDigest } };

  function mismatch(why: string): CountersignError {
    return new CountersignError("digest_mismatch", `Nothing was run: ${why}. Ask again.`, { requestId: binding.requestId });
  }
}

/**
 * The decision of the policy that is in force now, where it says the same as the one before: the rules, the role, the limits, who approves.
 *
 * @throws {CountersignError} `revoked` when it says anything else.
 */
export function requireSameTerms(before: Decision, now: Decision, requestId?: string): Exclude<Decision, { effect: "deny" }> {
  if (now.effect !== "deny" && isSameTerms(before, now)) return now;
  const message = "The policy has changed since this was asked for and now decides differently. Ask again.";
  throw new CountersignError("revoked", message, requestId === undefined ? {} : { requestId });
}

/** Whether two decisions say the same, whichever policies made them. */
export function isSameTerms(before: Decision, now: Decision): boolean {
  return terms(now) === terms(before);
}

/** What must be the same when policy is asked again. */
function terms(decision: Decision): string {
  const { policyDigest: _, ...rest } = decision;
  return canonicalJson(JSON.parse(JSON.stringify(rest)));
}
