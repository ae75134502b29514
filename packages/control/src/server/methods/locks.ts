import { CountersignError, type LockTarget } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type { Lock } from "../../locks.ts";
import type { Revoking } from "../../revoking.ts";
import { method } from "./method.ts";

/** Locks on callers, approvers and resources. */
export function lockMethods(revoking: Revoking) {
  return {
    listLocks: method(rpc.ListLocksRequest, rpc.ListLocksResponse, () => ({ locks: revoking.locks().map(lockMessage) })),
    lock: method(rpc.LockRequest, rpc.LockResponse, async ({ approver }, { target, reason }) => ({
      lock: lockMessage(await revoking.lock(targetOf(target), approver, reason)),
    })),
    liftLock: method(rpc.LiftLockRequest, rpc.LiftLockResponse, async ({ approver }, { id, reason }) => ({
      lock: lockMessage(await revoking.lift(id, approver, reason)),
    })),
  };
}

function targetOf(message: rpc.LockTarget | undefined): LockTarget {
  const target = message?.target;
  switch (target?.$case) {
    case "principal":
      return { type: "principal", issuer: named(target.value.issuer), subject: named(target.value.subject) };
    case "approver":
      return { type: "approver", subject: named(target.value) };
    case "resource":
      return { type: "resource", resource: named(target.value) };
    default:
      throw new CountersignError("invalid_request", "Say what to lock: a principal, an approver, or a resource.");
  }
}

function named(name: string): string {
  if (name === "" || name.length > 512 || !name.isWellFormed())
    throw new CountersignError("invalid_request", "What is locked is named by 1 to 512 characters.");
  return name;
}

function lockMessage({ id, target, by, reason, createdMs }: Lock): rpc.ActiveLock {
  return { id, target: { target: targetMessage(target) }, by, reason, createdMs };
}

function targetMessage(target: LockTarget): NonNullable<rpc.LockTarget["target"]> {
  switch (target.type) {
    case "principal":
      return { $case: "principal", value: { issuer: target.issuer, subject: target.subject } };
    case "approver":
      return { $case: "approver", value: target.subject };
    case "resource":
      return { $case: "resource", value: target.resource };
  }
}
