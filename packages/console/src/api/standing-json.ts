import { DecodeError, JsonObject } from "./json.ts";
import type { ActiveLock, Delegation, EmergencyReview, LockTarget } from "./model.ts";

/** ListLocksResponse. @throws {DecodeError} */
export function decodeLocks(value: unknown): readonly ActiveLock[] {
  return new JsonObject(value, "answer").list("locks", (one, path) => lock(new JsonObject(one, path)));
}

/** LockResponse or LiftLockResponse. @throws {DecodeError} */
export function decodeLock(value: unknown): ActiveLock {
  return lock(new JsonObject(value, "answer").object("lock"));
}

function lock(json: JsonObject): ActiveLock {
  return {
    id: json.string("id"),
    target: lockTarget(json.object("target")),
    by: json.string("by"),
    reason: json.string("reason"),
    createdMs: json.count("createdMs"),
  };
}

function lockTarget(json: JsonObject): LockTarget {
  if (json.has("principal")) {
    const principal = json.object("principal");
    return { type: "principal", issuer: principal.string("issuer"), subject: principal.string("subject") };
  }
  if (json.has("approver")) return { type: "approver", subject: json.string("approver") };
  if (json.has("resource")) return { type: "resource", resource: json.string("resource") };
  throw new DecodeError("A lock is on something that this page does not know");
}

/** What is to be locked, as the wire's JSON. */
export function lockTargetJson(target: LockTarget): unknown {
  switch (target.type) {
    case "principal":
      return { principal: { issuer: target.issuer, subject: target.subject } };
    case "approver":
      return { approver: target.subject };
    case "resource":
      return { resource: target.resource };
  }
}

/** ListDelegationsResponse. @throws {DecodeError} */
export function decodeDelegations(value: unknown): readonly Delegation[] {
  return new JsonObject(value, "answer").list("delegations", (one, path) => delegation(new JsonObject(one, path)));
}

/** DelegateResponse or EndDelegationResponse. @throws {DecodeError} */
export function decodeDelegation(value: unknown): Delegation {
  return delegation(new JsonObject(value, "answer").object("delegation"));
}

function delegation(json: JsonObject): Delegation {
  return {
    id: json.string("id"),
    from: json.string("from"),
    to: json.string("to"),
    fromMs: json.count("fromMs"),
    untilMs: json.count("untilMs"),
    reason: json.string("reason"),
  };
}

/** ListReviewsResponse. @throws {DecodeError} */
export function decodeReviews(value: unknown): readonly EmergencyReview[] {
  return new JsonObject(value, "answer").list("reviews", (one, path) => review(new JsonObject(one, path)));
}

/** CloseReviewResponse. @throws {DecodeError} */
export function decodeReview(value: unknown): EmergencyReview {
  return review(new JsonObject(value, "answer").object("review"));
}

function review(json: JsonObject): EmergencyReview {
  return {
    requestId: json.string("requestId"),
    by: json.string("by"),
    reason: json.string("reason"),
    timeMs: json.count("timeMs"),
    dueMs: json.count("dueMs"),
    closedBy: json.string("closedBy"),
    finding: json.string("finding"),
    headline: json.string("headline"),
    resource: json.string("resource"),
  };
}
