import type { RecordDraft } from "@countersign/audit";
import type { Approver, LockTarget, Voter } from "@countersign/policy";
import { voter } from "./records.ts";

/** Everything of a caller, an approver or a resource was locked, the lock was lifted, or its row was missing and is there again. */
export function lockRecord(
  lock: { readonly id: string; readonly target: LockTarget; readonly reason: string },
  change: "locked" | "lifted" | "restored",
  by: Approver,
  timeMs: number,
): RecordDraft {
  const { id, target, reason } = lock;
  return {
    type: "lock",
    timeMs,
    ...(target.type === "resource" ? { resource: target.resource } : {}),
    detail: { lock: id, change, target: { ...target }, by: voter(by) },
    payload: Buffer.from(reason),
  };
}

/** Somebody began to vote for somebody else, or ceased to. */
export function delegationRecord(
  delegation: {
    readonly id: string;
    readonly from: Voter;
    readonly to: string;
    readonly fromMs: number;
    readonly untilMs: number;
    readonly reason: string;
  },
  change: "made" | "ended",
  by: Approver,
  timeMs: number,
): RecordDraft {
  const { id, from, to, fromMs, untilMs, reason } = delegation;
  const detail = { delegation: id, change, from: from.subject, to, fromMs, untilMs, by: voter(by) };
  return { type: "delegation", timeMs, detail, payload: Buffer.from(reason) };
}

/** The review of an emergency was opened, is overdue, was closed, is void because the vote could not be stored, or was missing and is there again. */
export function reviewRecord(
  review: {
    readonly requestId: string;
    readonly resource: string;
    readonly dueMs: number;
    readonly by: readonly Pick<Voter, "subject">[];
  },
  change: "opened" | "overdue" | "closed" | "void" | "restored",
  by: string,
  text: string,
  timeMs: number,
): RecordDraft {
  const { requestId, resource, dueMs } = review;
  const detail = { change, by, brokenBy: review.by.map(({ subject }) => subject), dueMs };
  return { type: "review", timeMs, request: requestId, resource, detail, payload: Buffer.from(text) };
}
