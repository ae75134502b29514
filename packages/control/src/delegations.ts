import { randomBytes } from "node:crypto";
import { type Approver, CountersignError, personOf, type Voter } from "@countersign/policy";
import type { Directory } from "./directory.ts";
import type { LedgerParts } from "./ledger.ts";
import { checkReason } from "./reason.ts";
import { record } from "./records.ts";
import { delegationRecord } from "./standing-records.ts";
import { everyStanding } from "./stores/every-standing.ts";
import type { Standing, StandingStore } from "./stores/standing-store.ts";

/** A right to vote that somebody gave to another person for a time. */
export interface Delegation {
  /** `delegation_…`. */
  readonly id: string;
  /** Whose right, as they were when they gave it. */
  readonly from: Voter;
  /** The person who has it, by their own name. */
  readonly to: string;
  readonly fromMs: number;
  /** When it ends, or was ended. */
  readonly untilMs: number;
  /** May be empty. */
  readonly reason: string;
  readonly createdMs: number;
}

/** A delegation as it is asked for. */
export interface DelegationWish {
  readonly to: string;
  /** Absent = now. */
  readonly fromMs?: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** What delegations are made with. */
export interface DelegationParts extends Pick<LedgerParts, "audit" | "now"> {
  readonly directory: Directory;
  readonly isLocked: (person: Voter) => boolean;
}

const day = 86_400_000;
const longestMs = 30 * day;
/** How far ahead one may begin. */
const aheadMs = 365 * day;
/** No request waits for longer, so that a delegation that ended before cannot matter to one that is open. */
const memoryMs = 15 * day;
/** How many one person may have given at a time. */
const most = 20;

/** Who votes for whom, in memory and in the store. */
export class Delegations {
  readonly #store: StandingStore;
  readonly #parts: DelegationParts;
  readonly #delegations = new Map<string, Delegation>();

  private constructor(store: StandingStore, parts: DelegationParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** Reads what may still matter: also who acted for somebody of late, because they stay excluded from what was open then. */
  static async open(store: StandingStore, parts: DelegationParts): Promise<Delegations> {
    const delegations = new Delegations(store, parts);
    for await (const standing of everyStanding(store, { kind: "delegation" })) delegations.#remember(delegationOf(standing));
    return delegations;
  }

  /** Those that are in force or will be, newest first. */
  list(): readonly Delegation[] {
    const nowMs = this.#parts.now();
    return [...this.#delegations.values()].filter(({ untilMs }) => untilMs > nowMs).sort((a, b) => b.createdMs - a.createdMs);
  }

  /** Everybody whose right a person has now, as they are now. What those had from others is not passed on. */
  actingFor(person: Voter): readonly Voter[] {
    const nowMs = this.#parts.now();
    const inForce = this.#of(person).filter(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);
    const delegators = inForce.flatMap(({ from }) => {
      const known = this.#parts.directory.person(personOf(from));
      // Somebody who is gone has no right that could be used.
      return known === undefined ? [] : [known === "unknown" ? from : known];
    });
    return distinct(delegators);
  }

  /** Everybody for whom a person could act at any time since a moment: ending a delegation does not make its holder impartial. */
  actedForSince(person: Voter, sinceMs: number): readonly Voter[] {
    const nowMs = this.#parts.now();
    const since = this.#of(person).filter(({ fromMs, untilMs }) => fromMs <= nowMs && untilMs >= sinceMs);
    return distinct(since.map(({ from }) => from));
  }

  /**
   * Gives the caller's own right to another person for a time: recorded, stored, then in force.
   *
   * @throws {CountersignError} `invalid_request` for nobody, oneself, or a time that is none or too long; `approver_locked`,
   * `audit_unavailable`, `control_plane_unavailable`.
   */
  async delegate(by: Approver, wish: DelegationWish): Promise<Delegation> {
    if (this.#parts.isLocked(by)) {
      throw new CountersignError("approver_locked", "Your right to decide was taken back; you cannot give it to somebody else.");
    }
    const nowMs = this.#parts.now();
    const from = voterOf(by);
    const to = this.#recipient(from, wish.to);
    const fromMs = Math.max(wish.fromMs ?? nowMs, nowMs);
    checkTimes(fromMs, wish.untilMs, nowMs);
    checkReason(wish.reason);
    if (this.list().filter((one) => personOf(one.from) === personOf(from)).length >= most) {
      throw new CountersignError(
        "invalid_request",
        `You have given your right to ${most} people already. End one of these first.`,
      );
    }
    const id = `delegation_${randomBytes(12).toString("hex")}`;
    const delegation: Delegation = { id, from, to, fromMs, untilMs: wish.untilMs, reason: wish.reason, createdMs: nowMs };
    await record(this.#parts.audit, [delegationRecord(delegation, "made", by, nowMs)]);
    const { createdMs, ...body } = delegation;
    const json = JSON.parse(JSON.stringify(body));
    await this.#store.insert({
      ...{ id, kind: "delegation", name: personOf(from), active: true, createdMs, untilMs: wish.untilMs },
      body: json,
    });
    this.#remember(delegation);
    return delegation;
  }

  /**
   * Ends one early: whoever gave it may, and whoever has it.
   *
   * @throws {CountersignError} `not_found`, `audit_unavailable`, `control_plane_unavailable`.
   */
  async end(id: string, by: Approver): Promise<Delegation> {
    const nowMs = this.#parts.now();
    const known = this.#delegations.get(id);
    const isTheirs = known !== undefined && [personOf(known.from), known.to].includes(personOf(by));
    const standing = isTheirs && known.untilMs > nowMs ? await this.#store.get(id) : undefined;
    if (known === undefined || standing === undefined || !standing.active) {
      throw new CountersignError("not_found", "You have given or got no such delegation. `countersign delegations` lists them.");
    }
    const ended: Delegation = { ...known, untilMs: nowMs };
    await record(this.#parts.audit, [delegationRecord(ended, "ended", by, nowMs)]);
    const { createdMs: _, ...body } = ended;
    const changed = await this.#store.change(id, standing.revision, {
      active: false,
      body: JSON.parse(JSON.stringify(body)),
    });
    if (!changed) {
      throw new CountersignError("control_plane_unavailable", "It was changed by someone else meanwhile. Try again.", {
        retryable: true,
      });
    }
    this.#remember(ended);
    return ended;
  }

  #recipient(from: Voter, name: string): string {
    const known = name === "" || name.length > 512 ? undefined : this.#parts.directory.person(name);
    if (known === undefined) {
      throw new CountersignError("invalid_request", `There is no approver ${JSON.stringify(name.slice(0, 80).toWellFormed())}.`);
    }
    const to = known === "unknown" ? name : personOf(known);
    if (to === personOf(from) || [from.subject, ...(from.accounts ?? [])].includes(to)) {
      throw new CountersignError("invalid_request", "You cannot give your right to vote to yourself.");
    }
    return to;
  }

  #of(person: Voter): readonly Delegation[] {
    const names = [person.subject, ...(person.accounts ?? [])];
    return [...this.#delegations.values()].filter(({ to }) => names.includes(to));
  }

  /** Keeps it, and lets go of those that ended long ago. */
  #remember(delegation: Delegation): void {
    const sinceMs = this.#parts.now() - memoryMs;
    if (delegation.untilMs > sinceMs) this.#delegations.set(delegation.id, delegation);
    for (const [id, { untilMs }] of this.#delegations) if (untilMs <= sinceMs) this.#delegations.delete(id);
  }
}

function checkTimes(fromMs: number, untilMs: number, nowMs: number): void {
  if (!Number.isSafeInteger(untilMs) || !Number.isSafeInteger(fromMs) || untilMs <= fromMs) {
    throw new CountersignError("invalid_request", "It has to end after it begins, and later than now.");
  }
  if (untilMs - fromMs > longestMs) throw new CountersignError("invalid_request", "It may last 30 days at most.");
  if (fromMs - nowMs > aheadMs) throw new CountersignError("invalid_request", "It has to begin within a year.");
}

function distinct(people: readonly Voter[]): readonly Voter[] {
  return [...new Map(people.map((one) => [personOf(one), one])).values()];
}

function voterOf({ subject, groups, accounts }: Voter): Voter {
  return { subject, groups, ...(accounts && { accounts }) };
}

/** The seal of the store is the check beside the cast: only this program, with its key, wrote the body. */
function delegationOf({ id, createdMs, body }: Standing): Delegation {
  return { ...(body as Omit<Delegation, "id" | "createdMs"> & Record<string, never>), id, createdMs };
}
