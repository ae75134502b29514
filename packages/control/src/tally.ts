import {
  type Approver,
  askedAfter,
  type Excluded,
  isExcluded,
  isNamedBy,
  type Quorum,
  quorum,
  type Vote,
  type Voter,
} from "@countersign/policy";
import type { RequestOverview } from "./stores/request-store.ts";

/** Who may not vote on a request: its principal and the principal's owner. */
export function excluded(request: Pick<Asked, "action" | "owner">): Excluded {
  const { principal } = request.action;
  return request.owner === undefined ? [principal] : [principal, { issuer: principal.issuer, subject: request.owner }];
}

/** Whether an approver is the requester or its owner. */
export function isRequester(request: Asked, approver: Approver): boolean {
  return isExcluded(excluded(request), approver);
}

/** What of a request its votes are counted by. */
export type Asked = Pick<RequestOverview, "binding" | "requestDigest" | "decision" | "action" | "owner">;

/** How far a request's approval is. Only votes over this request's digest whose signature is right count: a changed row does not approve. */
export function tally(
  request: Asked,
  votes: readonly Vote[],
  verify: (vote: Vote) => boolean,
  isLocked: (person: Voter) => boolean,
): Quorum {
  if (request.decision.effect !== "review") return { verdict: "waiting", requirements: [] };
  const right = votes.filter(
    (vote) => vote.requestId === request.binding.requestId && vote.requestDigest === request.requestDigest && verify(vote),
  );
  return quorum(request.decision.approval, right, { excluded: excluded(request), openedMs: openedMs(request), isLocked });
}

/** When a held request was opened, by what its votes are over: no column of the store can say that it has waited longer than it has. */
export function openedMs({ binding, decision }: Asked): number {
  return binding.expiry.pendingUntilMs - (decision.effect === "review" ? decision.approval.expiresMs : 0);
}

/** Whether an approver is asked now, by a stage whose turn it is; later, by one that waits for others or asks them when time has passed; or never. */
export function turnOf(progress: Quorum, approver: Approver, nowMs: number): "now" | "later" | "never" {
  const waiting = progress.requirements.filter(({ satisfied }) => !satisfied);
  const open = waiting.flatMap(({ stages }) => stages.filter((stage) => !stage.satisfied));
  const asked = open.filter(({ sinceMs }) => sinceMs !== undefined);
  const isNow = asked.some(({ stage, sinceMs = nowMs }) => isNamedBy(askedAfter(stage, nowMs - sinceMs), approver));
  if (isNow) return "now";
  return open.some(({ stage }) => isNamedBy(askedAfter(stage, Number.POSITIVE_INFINITY), approver)) ? "later" : "never";
}
