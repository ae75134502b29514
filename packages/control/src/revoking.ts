import {
  type Approver,
  CountersignError,
  type LockTarget,
  type Outcome,
  type RequestState,
  resourcesOf,
} from "@countersign/policy";
import type { Grants } from "./grants.ts";
import type { Ledger } from "./ledger.ts";
import type { Lock, Locks } from "./locks.ts";
import { isUnderWay } from "./permits.ts";
import { stopPlan } from "./plans.ts";
import { revocationRecord } from "./records.ts";
import type { OverviewQuery, Position, RequestOverview, StoredRequest } from "./stores/request-store.ts";

const page = 200;
const waiting: readonly RequestState[] = ["pending", "approved", "executing"];

/** How many requests are ended at a time. They share commits. */
const together = 64;

/**
 * Takes back what was allowed. The order is always: recorded, in force for every dispatch from that turn on, live work told to stop, then the
 * requests that wait are ended. When a call returns nothing that depends on what it revoked is dispatched any more.
 */
export class Revoking {
  readonly #ledger: Ledger;
  readonly #locks: Locks;
  readonly #grants: Pick<Grants, "revokeDependents" | "permits">;

  constructor(ledger: Ledger, locks: Locks, grants: Pick<Grants, "revokeDependents" | "permits">) {
    this.#ledger = ledger;
    this.#locks = locks;
    this.#grants = grants;
  }

  /**
   * Revokes one request: what waits ends, what is approved does not run, what runs is asked to stop; its outcome says what truly happened.
   *
   * @throws {CountersignError} `not_found`, `not_pending` when it has ended, `reason_required`, `approver_locked`, and as every change.
   */
  async request(id: string, by: Approver, reason: string): Promise<StoredRequest> {
    this.#mayAct(by);
    if (reason.trim() === "") throw new CountersignError("reason_required", "Say why: the agent and the audit log are told.");
    return this.#ledger.withRequest(id, async (request) => {
      if (!waiting.includes(request.state)) {
        throw new CountersignError("not_pending", `It is ${request.state}; there is nothing to revoke.`, { requestId: id });
      }
      await this.#ledger.record(revocationRecord(request, by, reason, this.#ledger.now()));
      return this.#end(request, by.subject, `Revoked by ${by.subject}: ${reason}`);
    });
  }

  /** Locks a caller, an approver or a resource, and ends what waits by it. */
  async lock(target: LockTarget, by: Approver, reason: string): Promise<Lock> {
    this.#mayAct(by);
    const lock = await this.#locks.lock(target, by, reason);
    const message = `Revoked by ${by.subject}, who locked ${describe(target)}: ${reason}`;
    await this.#grants.revokeDependents(target, by, reason);
    const dependent = await this.#dependents(target);
    for (let from = 0; from < dependent.length; from += together) {
      await Promise.all(dependent.slice(from, from + together).map((id) => this.#endDependent(id, target, by.subject, message)));
    }
    return lock;
  }

  /** Lifts a lock; what was ended stays ended. */
  async lift(id: string, by: Approver, reason: string): Promise<Lock> {
    this.#mayAct(by);
    return this.#locks.lift(id, by, reason);
  }

  locks(): readonly Lock[] {
    return this.#locks.list();
  }

  #mayAct(by: Approver): void {
    if (this.#locks.isLocked(by)) {
      throw new CountersignError("approver_locked", "Your right to decide was taken back. Someone else has to do this.");
    }
  }

  async #endDependent(id: string, target: LockTarget, by: string, message: string): Promise<void> {
    await this.#ledger.withRequest(id, async (request) => {
      if (!waiting.includes(request.state) || !(await this.#dependsOn(request, target))) return;
      await this.#end(request, by, message);
    });
  }

  /** The transition table has its own word for each: nobody has agreed to what is pending, so there is nothing to revoke but the asking. */
  async #end(request: StoredRequest, by: string, message: string): Promise<StoredRequest> {
    const timeMs = this.#ledger.now();
    const ended = (state: "cancelled" | "revoked"): Outcome => ({
      state,
      failure: { code: "revoked", message, retryable: false },
      ...{ rows: 0, bytes: 0, durationMs: 0 },
    });
    if (request.state === "pending") {
      return this.#ledger.apply(request, { to: "cancelled", outcome: ended("cancelled"), by, timeMs });
    }
    if (request.state === "approved") {
      return this.#ledger.apply(request, { to: "revoked", outcome: ended("revoked"), by, timeMs });
    }
    const after = isUnderWay(request) ? await stopPlan(this.#ledger, request, { code: "revoked", message }, by) : request;
    this.#locks.tell({ type: "request", requestId: request.binding.requestId });
    return after;
  }

  /** The ids of what waits and depends on what is locked. */
  async #dependents(target: LockTarget): Promise<readonly string[]> {
    const ids: string[] = [];
    let after: Position | undefined;
    for (;;) {
      const query: OverviewQuery = { states: waiting, ...(after && { after }) };
      const some = await this.#ledger.store.list(query, page);
      for (const one of some) if (await this.#dependsOn(one, target)) ids.push(one.binding.requestId);
      const last = some.at(-1);
      if (last === undefined || some.length < page) return ids;
      after = { createdMs: last.createdMs, id: last.binding.requestId };
    }
  }

  async #dependsOn(request: RequestOverview, target: LockTarget): Promise<boolean> {
    switch (target.type) {
      case "resource":
        return resourcesOf(request.action).includes(target.resource);
      case "principal": {
        const { issuer, subject } = request.action.principal;
        return issuer === target.issuer && subject === target.subject;
      }
      // What others have approved without this person's vote stands; what is pending goes on waiting without it.
      case "approver":
        if (request.grant !== undefined) return !(await this.#grants.permits(request.grant, request.binding.requestId));
        return request.state !== "pending" && this.#ledger.progress(request, request.votes).verdict !== "approved";
    }
  }
}

function describe(target: LockTarget): string {
  switch (target.type) {
    case "resource":
      return `the resource ${target.resource}`;
    case "principal":
      return `the caller ${target.subject}`;
    case "approver":
      return `the approver ${target.subject}`;
  }
}
