import type { Detail, State, Verdict } from "../api/model.ts";

/** What a person can do to a request in each state. What is not in this table is not offered. */
const actions = {
  pending: ["approve", "deny"],
  approved: [],
  executing: [],
  succeeded: [],
  failed: [],
  denied: [],
  expired: [],
  cancelled: [],
  revoked: [],
  unknown: [],
} as const satisfies Record<State, readonly Verdict[]>;

/** Whether the request's state has this action at all. */
export function isLegal(state: State, verdict: Verdict): boolean {
  const legal: readonly Verdict[] = actions[state];
  return legal.includes(verdict);
}

/** Why an action cannot be taken now; empty when it can. */
export function whyNot(verdict: Verdict, detail: Detail, allSeen: boolean): string {
  if (detail.cannotVoteReason !== "") return detail.cannotVoteReason;
  if (!detail.summary.canVote) return "You are not asked to decide this request.";
  // ap-display: who has not seen the whole operation cannot approve it. Denying unread is safe.
  if (verdict === "approve" && !allSeen) return "Scroll through the whole operation before you approve it.";
  return "";
}
