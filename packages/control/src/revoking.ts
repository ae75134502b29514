import { type Approver, CountersignError, type LockTarget, type RequestState } from "@countersign/policy";
import type { Dependents } from "./dependents.ts";
import { endRevoked } from "./ending.ts";
import type { Grants } from "./grants.ts";
import type { Ledger } from "./ledger.ts";
import type { Lock, Locks } from "./locks.ts";
import type { RecordedSession } from "./recorded-sessions.ts";
import { revocationRecord, sessionCutRecord } from "./request-records.ts";
import type { StoredRequest } from "./stores/request-store.ts";

const waiting: readonly RequestState[] = ["pending", "approved", "executing"];

/** What revoking takes. */
export interface RevokingParts {
  readonly ledger: Ledger;
  readonly locks: Locks;
  readonly grants: Pick<Grants, "revokeDependents">;
  readonly dependents: Pick<Dependents, "stop" | "end">;
}

/**
 * Takes back what was allowed. The order is always: recorded, in force for every dispatch from that turn on, live work told to stop. When a
 * call returns nothing that depends on what it revoked is dispatched any more; the requests that wait by a lock are ended after that.
 */
export class Revoking {
  readonly #parts: RevokingParts;

  constructor(parts: RevokingParts) {
    this.#parts = parts;
  }

  /**
   * Revokes one request: what waits ends, what is approved does not run, what runs is asked to stop; its outcome says what truly happened.
   *
   * @throws {CountersignError} `not_found`, `not_pending` when it has ended, `reason_required`, `approver_locked`, and as every change.
   */
  async request(id: string, by: Approver, reason: string): Promise<StoredRequest> {
    this.#mayAct(by);
    if (reason.trim() === "") throw new CountersignError("reason_required", "Say why: the agent and the audit log are told.");
    const { ledger } = this.#parts;
    return ledger.withRequest(id, async (request) => {
      if (!waiting.includes(request.state)) {
        throw new CountersignError("not_pending", `It is ${request.state}; there is nothing to revoke.`, { requestId: id });
      }
      await ledger.record(revocationRecord(request, by, reason, ledger.now()));
      return endRevoked(request, { by: by.subject, message: `Revoked by ${by.subject}: ${reason}` }, this.#parts);
    });
  }

  /**
   * Cuts a recorded session that goes on: the work of a request, of a call that waited for nobody, or a guarded shell.
   *
   * @throws {CountersignError} `not_pending` when it has ended, `reason_required`, `approver_locked`, `audit_unavailable`.
   */
  async session({ id, ended, started }: RecordedSession, by: Approver, reason: string): Promise<void> {
    const { ledger, locks } = this.#parts;
    if ((await ledger.store.get({ id })) !== undefined) {
      await this.request(id, by, reason);
      return;
    }
    this.#mayAct(by);
    if (reason.trim() === "") throw new CountersignError("reason_required", "Say why: the audit log is told.");
    if (ended !== undefined) throw new CountersignError("not_pending", "It has ended; there is nothing to cut.");
    await ledger.record(sessionCutRecord({ id, ...started }, by, reason, ledger.now()));
    locks.tell({ type: "request", requestId: id });
  }

  /** Locks a caller, an approver or a resource; what waits by it is ended from then on. */
  async lock(target: LockTarget, by: Approver, reason: string): Promise<Lock> {
    this.#mayAct(by);
    const { locks, grants, dependents } = this.#parts;
    const lock = await locks.lock(target, by, reason);
    await grants.revokeDependents(target, by, reason);
    await dependents.stop(lock);
    return lock;
  }

  /** Lifts a lock, once everything that waited by it has ended; that stays ended. */
  async lift(id: string, by: Approver, reason: string): Promise<Lock> {
    this.#mayAct(by);
    const { locks, dependents } = this.#parts;
    const lock = locks.list().find((one) => one.id === id);
    if (lock !== undefined) await dependents.end(lock);
    return locks.lift(id, by, reason);
  }

  locks(): readonly Lock[] {
    return this.#parts.locks.list();
  }

  #mayAct(by: Approver): void {
    if (this.#parts.locks.isLocked(by)) {
      throw new CountersignError("approver_locked", "Your right to decide was taken back. Someone else has to do this.");
    }
  }
}
