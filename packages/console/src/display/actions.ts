import type { Detail, State } from "../api/model.ts";

/** What a person can do to a request. */
export type Action = "approve" | "deny" | "grant" | "break-glass" | "edit" | "revoke" | "resolve";

/** What a person can do to a request in each state. What is not in this table is not offered. */
const actions = {
  pending: ["approve", "deny", "grant", "break-glass", "edit", "revoke"],
  approved: ["revoke"],
  executing: ["revoke"],
  succeeded: [],
  failed: [],
  denied: [],
  expired: [],
  cancelled: [],
  revoked: [],
  unknown: ["resolve"],
} as const satisfies Record<State, readonly Action[]>;

/** Whether the request's state has this action at all. */
export function isLegal(state: State, action: Action): boolean {
  const legal: readonly Action[] = actions[state];
  return legal.includes(action);
}

/** Whether an action is shown: its state has it, and the rules know of it for this request. */
export function isOffered(action: Action, detail: Detail): boolean {
  if (!isLegal(detail.summary.state, action)) return false;
  if (action === "grant") return detail.grants !== undefined;
  if (action === "break-glass") return detail.mayBreakGlass;
  // A plan is changed by striking out lines.
  if (action === "edit") return detail.operation !== undefined && detail.plan.length === 0;
  return true;
}

/** Why an action cannot be taken now; empty when it can. */
export function whyNot(action: Action, detail: Detail, allSeen: boolean): string {
  // Whoever takes something back needs no vote, and looks for themselves what became of it.
  if (action === "revoke" || action === "resolve") return "";
  // An emergency is not a question of whose turn it is.
  if (action !== "break-glass") {
    if (detail.cannotVoteReason !== "") return detail.cannotVoteReason;
    if (!detail.summary.canVote) return "You are not asked to decide this request.";
  }
  // ap-display: who has not seen the whole operation cannot approve it. Denying unread is safe, and an edit is read and decided anew.
  const approves = action === "approve" || action === "grant" || action === "break-glass";
  return approves && !allSeen ? "Scroll through the whole operation before you approve it." : "";
}
