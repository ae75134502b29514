import { randomBytes } from "node:crypto";
import {
  type Action,
  type Approver,
  CountersignError,
  type LockTarget,
  personOf,
  type Revocation,
  type Revocations,
  resourcesOf,
} from "@countersign/policy";
import type { LedgerParts } from "./ledger.ts";
import { requireReason } from "./reason.ts";
import type { RecordedLock, RecordedStanding } from "./recorded-standing.ts";
import { record } from "./records.ts";
import { lockRecord } from "./standing-records.ts";
import { everyStanding } from "./stores/every-standing.ts";
import type { Standing, StandingStore } from "./stores/standing-store.ts";

/** A lock as it stands. */
export interface Lock {
  /** `lock_…`. */
  readonly id: string;
  readonly target: LockTarget;
  readonly by: string;
  /** Why, in the words of whoever locked. */
  readonly reason: string;
  readonly createdMs: number;
}

/** What is locked, in memory and in the store, and who is told when something is revoked. */
export class Locks implements Revocations {
  readonly #store: StandingStore;
  readonly #parts: Pick<LedgerParts, "audit" | "now">;
  readonly #locks = new Map<string, Lock>();
  readonly #listeners = new Set<(revocation: Revocation) => void>();

  private constructor(store: StandingStore, parts: Pick<LedgerParts, "audit" | "now">) {
    this.#store = store;
    this.#parts = parts;
  }

  /**
   * Reads the locks that stand, and puts back in force those that were recorded and are missing. What cannot be read stops the start: a lock that
   * is forgotten would let something run.
   */
  static async open(
    store: StandingStore,
    parts: Pick<LedgerParts, "audit" | "now">,
    recorded: RecordedStanding["locks"],
  ): Promise<Locks> {
    const locks = new Locks(store, parts);
    for await (const standing of everyStanding(store, { kind: "lock", active: true })) {
      locks.#locks.set(standing.id, lockOf(standing));
    }
    for (const lock of recorded.values()) if (!locks.#locks.has(lock.id)) await locks.#restore(lock);
    return locks;
  }

  list(): readonly Lock[] {
    return [...this.#locks.values()].sort((a, b) => b.createdMs - a.createdMs);
  }

  refusal({ principal, resource }: Pick<Action, "principal" | "resource">): string | undefined {
    if (this.#locks.size === 0) return undefined;
    const names = resourcesOf({ resource });
    for (const { target } of this.#locks.values()) {
      if (target.type === "resource" && names.includes(target.resource)) {
        return `${target.resource} is locked; nothing runs on it until the lock is lifted.`;
      }
      if (target.type === "principal" && target.issuer === principal.issuer && target.subject === principal.subject) {
        return `${principal.subject} is locked; nothing that it asks for runs until the lock is lifted.`;
      }
    }
    return undefined;
  }

  isLocked(approver: Pick<Approver, "subject" | "accounts">): boolean {
    if (this.#locks.size === 0) return false;
    const names = [approver.subject, ...(approver.accounts ?? [])];
    return [...this.#locks.values()].some(({ target }) => target.type === "approver" && names.includes(target.subject));
  }

  onRevoked(listener: (revocation: Revocation) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Tells everybody whose live work depends on it, in this turn. */
  tell(revocation: Revocation): void {
    for (const listener of this.#listeners) listener(revocation);
  }

  /**
   * Locks: recorded and stored, then in force and told in one turn. Locking twice gives the lock that stands.
   *
   * @throws {CountersignError} `reason_required`, `invalid_request`, `audit_unavailable`, `control_plane_unavailable`.
   */
  async lock(target: LockTarget, by: Approver, reason: string): Promise<Lock> {
    requireReason(reason);
    const name = nameOf(target);
    const known = this.list().find((lock) => nameOf(lock.target) === name);
    if (known !== undefined) return known;
    const timeMs = this.#parts.now();
    const lock: Lock = { id: `lock_${randomBytes(12).toString("hex")}`, target, by: by.subject, reason, createdMs: timeMs };
    await record(this.#parts.audit, [lockRecord(lock, "locked", by, timeMs)]);
    const { id, createdMs, ...body } = lock;
    await this.#store.insert({ id, kind: "lock", name, active: true, createdMs, body });
    this.#locks.set(lock.id, lock);
    this.tell(target);
    return lock;
  }

  /** Its row was deleted or set to an older state, or a crash kept it from being stored. */
  async #restore(recorded: RecordedLock): Promise<void> {
    const lock: Lock = {
      ...recorded,
      reason: "It stands in the audit log and was missing from the store. Its reason is in the log.",
    };
    const { id, createdMs, ...body } = lock;
    const control: Approver = { issuer: "", subject: "control", groups: [] };
    await record(this.#parts.audit, [lockRecord(lock, "restored", control, this.#parts.now())]);
    const inserted = await this.#store.insert({ id, kind: "lock", name: nameOf(lock.target), active: true, createdMs, body });
    const standing = inserted === "taken" ? await this.#store.get(id) : undefined;
    if (standing !== undefined) await this.#store.change(id, standing.revision, { active: true, body });
    this.#locks.set(id, lock);
  }

  /**
   * Lifts a lock: recorded first. Whoever is locked cannot lift their own.
   *
   * @throws {CountersignError} `not_found`, `approver_locked`, `audit_unavailable`, `control_plane_unavailable`.
   */
  async lift(id: string, by: Approver, reason: string): Promise<Lock> {
    requireReason(reason);
    const standing = await this.#store.get(id);
    if (standing?.kind !== "lock" || !standing.active) {
      throw new CountersignError("not_found", "There is no such lock in force. `countersign locks` lists those that are.");
    }
    const lock = lockOf(standing);
    await record(this.#parts.audit, [lockRecord({ ...lock, reason }, "lifted", by, this.#parts.now())]);
    const { id: _, createdMs: __, ...body } = lock;
    await this.#store.change(id, standing.revision, { active: false, body: { ...body, liftedBy: personOf(by) } });
    this.#locks.delete(id);
    return lock;
  }
}

function nameOf(target: LockTarget): string {
  switch (target.type) {
    case "principal":
      return JSON.stringify(["principal", target.issuer, target.subject]);
    case "approver":
      return JSON.stringify(["approver", target.subject]);
    case "resource":
      return JSON.stringify(["resource", target.resource]);
  }
}

/** The seal of the store is the check beside the cast: only this program, with its key, wrote the body. */
function lockOf({ id, createdMs, body }: Standing): Lock {
  return { ...(body as Omit<Lock, "id" | "createdMs"> & Record<string, never>), id, createdMs };
}
