import type { AuditLog, RecordDraft } from "@countersign/audit";
import {
  type Action,
  type Approver,
  CountersignError,
  type Digest,
  type GrantBook,
  type GrantUse,
  grantLife,
  type LockTarget,
  operationText,
  type RequestDraft,
  type Vote,
} from "@countersign/policy";
import { GrantLog } from "./grant-log.ts";
import { grantOf, type MadeGrant } from "./grant-making.ts";
import { madeRecord, revokedRecord, usedRecord } from "./grant-records.ts";
import type { Locks } from "./locks.ts";
import { record } from "./records.ts";
import { bodyOf, grantName, type StoredGrant, storedGrant } from "./stored-grant.ts";
import type { StoredRequest } from "./stores/request-store.ts";
import type { Standing, StandingQuery, StandingStore } from "./stores/standing-store.ts";
import { Turns } from "./turns.ts";

/** What grants are kept with. */
export interface GrantParts {
  readonly store: StandingStore;
  readonly audit: AuditLog;
  readonly locks: Locks;
  /** Whether a vote's signature is right. */
  readonly verify: (vote: Vote) => boolean;
  /** Milliseconds since the Unix epoch; never goes back. */
  readonly now: () => number;
}

const page = 200;

/**
 * Standing approvals: made by votes, used one by one, taken back. One change of a grant at a time: recorded on disk first, then stored by
 * compare-and-set, then given out.
 */
export class Grants implements GrantBook {
  readonly #parts: GrantParts;
  readonly #log: GrantLog;
  readonly #turns = new Turns();
  /** Those that are being revoked, until that is on record. */
  readonly #revoking = new Set<string>();

  constructor(parts: GrantParts) {
    this.#parts = parts;
    this.#log = new GrantLog(parts.audit);
  }

  /** The grant that a request's votes make, if any: what is recorded along with the vote that completes it, and how it is put into force then. */
  madeBy(
    request: StoredRequest,
    votes: readonly Vote[],
  ): { readonly records: readonly RecordDraft[]; keep(): Promise<void> } | undefined {
    const made = grantOf(request, votes, this.#trust);
    return made && { records: [madeRecord(made)], keep: () => this.#keep(made, request) };
  }

  async find(about: Pick<Action, "principal" | "resource">): Promise<readonly StoredGrant[]> {
    const found = await this.#parts.store.list({ kind: "grant", name: grantName(about), active: true }, page);
    const grants = found.map(storedGrant).filter((grant) => grant.active);
    const over = grants.filter((grant) => this.#isOver(grant));
    await Promise.all(over.map(({ id }) => this.#end(id)));
    return grants.filter((grant) => !over.includes(grant)).reverse();
  }

  use(grantId: string, call: string, action: Action, actionDigest: Digest): Promise<GrantUse> {
    return this.#turns.take(grantId, async () => {
      const { store, audit, now } = this.#parts;
      // At once, so that a revocation does not wait for those that are in line before it.
      if (this.#revoking.has(grantId)) throw new CountersignError("revoked", "The grant has ended.");
      const { grant, standing } = await this.#stored(grantId);
      this.#requireUsable(grant, action, await this.#log.of(grantId));
      const use = Math.max(grant.used, (await this.#log.of(grantId)).used) + 1;
      await record(audit, [usedRecord(grant, { use, call, actionDigest, timeMs: now() })]);
      await this.#log.note(grantId, { used: use });
      const body = bodyOf({ ...grant, used: use });
      if (!(await store.change(grantId, standing.revision, { active: use < grant.statement.uses, body }))) {
        throw new CountersignError("control_plane_unavailable", "The grant was changed by someone else meanwhile. Try again.", {
          retryable: true,
        });
      }
      // Its caller or an approver may have been locked while it was written down: then the use is spent, and given to nobody.
      this.#requireUsable(grant, action, { ...(await this.#log.of(grantId)), used: use - 1 });
      return { grantId, use };
    });
  }

  /** Takes a use of the first of some grants that has one to give, for a request that is being opened. */
  async useFirst(ids: readonly string[], { binding, action }: RequestDraft): Promise<GrantUse | undefined> {
    for (const id of ids) {
      try {
        return await this.use(id, binding.requestId, action, binding.actionDigest);
      } catch (error) {
        if (!(error instanceof CountersignError && (error.code === "revoked" || error.code === "not_found"))) throw error;
      }
    }
    return undefined;
  }

  /** Whether a use that a request was opened with still lets it run: on record for that request, of a grant that was not taken back. */
  async permits({ grantId, use }: GrantUse, call: string): Promise<boolean> {
    const grant = await this.get(grantId);
    const { revoked } = await this.#log.of(grantId);
    if (revoked || this.#revoking.has(grantId) || this.#parts.now() >= grant.untilMs) return false;
    return grantLife(grant, grant.approval, this.#trust) !== undefined && (await this.#log.hasUse(grantId, use, call));
  }

  list(query: Pick<StandingQuery, "active" | "after">, limit: number): Promise<readonly StoredGrant[]> {
    return this.#parts.store.list({ kind: "grant", ...query }, limit).then((found) => found.map(storedGrant));
  }

  /** @throws {CountersignError} `not_found`. */
  async get(id: string): Promise<StoredGrant> {
    return (await this.#stored(id)).grant;
  }

  /** Whether a grant can still be used, as far as it itself says. */
  isActive(grant: StoredGrant): boolean {
    return grant.active && !this.#isOver(grant) && grantLife(grant, grant.approval, this.#trust) !== undefined;
  }

  /**
   * Takes a grant back: in turn with its uses recorded, in force, what runs by it told to stop; then stored. When it returns no use
   * is given out any more, and nothing that was given out before is dispatched.
   *
   * @throws {CountersignError} `not_found`, `not_pending` when it was revoked before, `reason_required`, `approver_locked`, and as every change.
   */
  async revoke(id: string, by: Approver, reason: string): Promise<StoredGrant> {
    if (this.#parts.locks.isLocked(by)) {
      throw new CountersignError("approver_locked", "Your right to decide was taken back. Someone else has to do this.");
    }
    if (reason.trim() === "")
      throw new CountersignError("reason_required", "Say why: whoever looks at it later has to understand.");
    if (Buffer.byteLength(reason) > 4096 || !reason.isWellFormed())
      throw new CountersignError("invalid_request", "The reason is longer than 4096 bytes, or not valid Unicode.");
    const grant = await this.get(id);
    // One that is used up or has expired may have calls that still run by it.
    if ((await this.#log.of(id)).revoked) throw new CountersignError("not_pending", "The grant was revoked already.");
    return this.#revoke(grant, by, reason);
  }

  /** Takes back every grant that depends on what was locked. */
  async revokeDependents(target: LockTarget, by: Approver, reason: string): Promise<void> {
    let after: { createdMs: number; id: string } | undefined;
    for (;;) {
      const some = await this.list({ active: true, ...(after && { after }) }, page);
      const dependent = some.filter((grant) => grant.active && !this.#isOver(grant) && this.#dependsOn(grant, target));
      await Promise.all(dependent.map((grant) => this.#revoke(grant, by, reason)));
      const last = some.at(-1);
      if (last === undefined || some.length < page) return;
      after = { createdMs: last.createdMs, id: last.id };
    }
  }

  /** Resolves once every change that has begun has ended. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  get #trust() {
    const { verify, locks } = this.#parts;
    return { verify, isLocked: (approver: Approver) => locks.isLocked(approver) };
  }

  async #keep(made: MadeGrant, request: StoredRequest): Promise<void> {
    const { id, fromMs, untilMs } = made;
    const body = bodyOf({ ...made, text: operationText(request.action.operation), used: 0 });
    await this.#log.note(id, { made: true });
    await this.#parts.store.insert({
      ...{ id, kind: "grant", name: grantName(request.action), active: true },
      ...{ createdMs: fromMs, untilMs, body },
    });
  }

  async #revoke(grant: StoredGrant, by: Approver, reason: string): Promise<StoredGrant> {
    const { audit, locks, now } = this.#parts;
    const { id } = grant;
    this.#revoking.add(id);
    try {
      await this.#turns.take(id, async () => {
        await record(audit, [revokedRecord(grant, by, reason, now())]);
        await this.#log.note(id, { revoked: true });
        locks.tell({ type: "grant", grantId: id });
      });
    } finally {
      this.#revoking.delete(id);
    }
    await this.#end(id, `${by.subject}: ${reason}`);
    return this.get(id);
  }

  /** Writes down that a grant has ended; whether it has does not depend on that. */
  #end(id: string, revokedReason?: string): Promise<void> {
    return this.#turns.take(id, async () => {
      const { grant, standing } = await this.#stored(id);
      if (!standing.active && revokedReason === undefined) return;
      const body = bodyOf({ ...grant, ...(revokedReason !== undefined && { revokedReason }) });
      await this.#parts.store.change(id, standing.revision, { active: false, body });
    });
  }

  async #stored(id: string): Promise<{ readonly grant: StoredGrant; readonly standing: Standing }> {
    const standing = await this.#parts.store.get(id);
    if (standing?.kind !== "grant") {
      throw new CountersignError("not_found", "There is no such grant. `countersign grants` lists those that there are.");
    }
    return { grant: storedGrant(standing), standing };
  }

  #isOver({ used, untilMs, statement }: StoredGrant): boolean {
    return used >= statement.uses || this.#parts.now() >= untilMs;
  }

  #requireUsable(grant: StoredGrant, action: Action, onRecord: { made: boolean; revoked: boolean; used: number }): void {
    const { locks, now } = this.#parts;
    const { principal, resource, uses } = grant.statement;
    const life = grantLife(grant, grant.approval, this.#trust);
    const refusal =
      locks.refusal(action) ??
      (!grant.active || !onRecord.made || onRecord.revoked || this.#revoking.has(grant.id)
        ? "The grant has ended."
        : undefined) ??
      (life === undefined ? "The votes that made the grant do not make it any more." : undefined) ??
      (life !== undefined && (now() < life.fromMs || now() >= life.untilMs) ? "The grant has expired." : undefined) ??
      (Math.max(grant.used, onRecord.used) >= uses ? `All ${uses} uses of the grant are taken.` : undefined) ??
      (grantName(action) === grantName({ principal, resource }) ? undefined : "The grant is for another caller or resource.");
    if (refusal !== undefined) throw new CountersignError("revoked", refusal);
  }

  #dependsOn(grant: StoredGrant, target: LockTarget): boolean {
    const { principal, resource } = grant.statement;
    switch (target.type) {
      case "resource":
        return resource === target.resource;
      case "principal":
        return principal.issuer === target.issuer && principal.subject === target.subject;
      case "approver":
        return grantLife(grant, grant.approval, this.#trust) === undefined;
    }
  }
}
