import type { AuditLog, RecordDraft } from "@countersign/audit";
import {
  CountersignError,
  lineAtWork,
  type Outcome,
  type Quorum,
  type RequestState,
  stoppedPlan,
  type Vote,
} from "@countersign/policy";
import type { Changes } from "./changes.ts";
import { addedBetween, nextEscalation } from "./escalation.ts";
import { hasLapsed } from "./lifetime.ts";
import { record } from "./records.ts";
import { answeredMs, nextReminder, type ReminderTimes, remindedBy } from "./reminders.ts";
import { escalationRecord, reminderRecord, requestRecord, stateRecord } from "./request-records.ts";
import { changedRequest } from "./stores/changed-request.ts";
import type { Change, Opening, RequestOverview, RequestStore, StoredRequest } from "./stores/request-store.ts";
import type { Asked } from "./tally.ts";
import { Turns } from "./turns.ts";

/** What a ledger is made of. */
export interface LedgerParts {
  readonly store: RequestStore;
  readonly audit: AuditLog;
  readonly changes: Changes;
  /** Milliseconds since the Unix epoch; never goes back. */
  readonly now: () => number;
  /** How far a request's approval is with these votes. */
  readonly progress: (request: Asked, votes: readonly Vote[]) => Quorum;
  /** When people are reminded of what waits; absent = never. */
  readonly reminders?: ReminderTimes | undefined;
  /** Told of every moment at which the clock has something to do. */
  readonly noteWake: (wakeMs: number) => void;
}

/** A change as its decider states it; the ledger adds what it was decided on. */
export type Entry = Omit<Change, "from" | "revision" | "wakeMs">;

/** The end of a request whose place another takes. */
type Ending = Entry & { readonly to: RequestState; readonly outcome: Outcome };

/**
 * The one way in which requests come to be and change: one change of a request at a time, the audit record on disk first, then the store by
 * compare-and-set, then those who watch. (A claim's record is on disk with the intent that follows it.) When the record cannot be written,
 * nothing changes.
 */
export class Ledger {
  readonly #parts: LedgerParts;
  readonly #turns = new Turns();

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  get store(): RequestStore {
    return this.#parts.store;
  }

  get changes(): Changes {
    return this.#parts.changes;
  }

  now(): number {
    return this.#parts.now();
  }

  /** How far a request's approval is with these votes. */
  progress(request: Asked, votes: readonly Vote[]): Quorum {
    return this.#parts.progress(request, votes);
  }

  /** Does work on a request while nothing else changes it. Its time is checked first: what is up is ended. */
  withRequest<Result>(id: string, work: (request: StoredRequest) => Promise<Result>): Promise<Result> {
    return this.#turns.take(id, async () => {
      const request = await this.store.get({ id });
      if (request === undefined) {
        throw new CountersignError("not_found", "There is no such request. Check the id.", { requestId: id.slice(0, 80) });
      }
      return work(hasLapsed(request, this.now()) ? await this.#expire(request) : request);
    });
  }

  /** Does work that must not run twice at once for the same name, e.g. opening with one idempotency key. */
  alone<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(`alone ${name}`, work);
  }

  /** Records and inserts a request; `taken` as the store says it. */
  open(opening: Omit<Opening, "wakeMs">): Promise<"inserted" | "taken"> {
    return this.#turns.take(opening.draft.binding.requestId, async () => {
      await this.record(requestRecord(opening));
      return (await this.#insert(opening)) === "inserted" ? "inserted" : "taken";
    });
  }

  /**
   * Records and inserts a request in the place of one that was looked at inside {@link withRequest} and ends with it: the store does both or
   * neither, so that no crash leaves two that can run.
   *
   * @throws {CountersignError} `control_plane_unavailable` when the old one was changed from elsewhere meanwhile.
   */
  async replace(old: StoredRequest, ending: Ending, opening: Omit<Opening, "wakeMs">, ...records: RecordDraft[]): Promise<void> {
    const { requestId: id } = old.binding;
    await this.record(...records, requestRecord(opening), stateRecord(old, ending));
    const change = { ...ending, wakeMs: null, from: old.state, revision: old.revision };
    if ((await this.#insert(opening, { id, change })) !== "inserted") throw overtaken(id);
    this.changes.publish(id);
  }

  async #insert(opening: Omit<Opening, "wakeMs">, replaced?: { readonly id: string; readonly change: Change }) {
    const { draft, validUntilMs } = opening;
    const wakeMs = validUntilMs ?? this.#pendingWake(draft, [], 0);
    const inserted = await this.store.insert({ ...opening, wakeMs }, replaced);
    if (inserted === "inserted") {
      this.#parts.noteWake(wakeMs);
      this.changes.publish(draft.binding.requestId);
    }
    return inserted;
  }

  /** Records and makes a change that was decided on this very request, inside {@link withRequest}. */
  async apply(request: StoredRequest, entry: Entry, ...records: RecordDraft[]): Promise<StoredRequest> {
    const { requestId: id } = request.binding;
    const all = [...records, ...(entry.to === undefined ? [] : [stateRecord(request, { ...entry, to: entry.to })])];
    // A claim's record need not be on disk by itself: the sidecar appends the intent behind it in the same log, as durably as the action asks
    // for, before anything is dispatched. Waiting for the disk twice would only make a person's yes slower.
    await record(this.#parts.audit, all, entry.to === "executing" ? "handed-over" : "durable");
    const wakeMs = this.#wakeAfter(request, entry);
    const change: Change = { ...entry, wakeMs, from: request.state, revision: request.revision };
    if (!(await this.store.change(id, change))) throw overtaken(id);
    if (wakeMs !== null) this.#parts.noteWake(wakeMs);
    this.changes.publish(id);
    return changedRequest(request, change);
  }

  /** Puts records on disk. */
  record(...records: RecordDraft[]): Promise<void> {
    return record(this.#parts.audit, records);
  }

  /** Resolves once the changes that have begun by now have ended. */
  underWay(): Promise<void> {
    return this.#turns.underWay();
  }

  /** Resolves once every change that has begun has ended. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  /** Does what time asks for: ends a request whose time is up, asks more people about one that has waited. Gives whether there was anything. */
  wake(id: string): Promise<boolean> {
    return this.withRequest(id, async (request) => {
      if (request.state !== "pending") return request.state === "expired";
      const timeMs = this.now();
      const to = addedBetween(this.#parts.progress(request, request.votes), request.escalatedMs, timeMs);
      const reminded = this.#remindedBy(request, timeMs);
      const isReminded = reminded > this.reminded(request);
      const records = [
        ...(to.length > 0 ? [escalationRecord(request, to, timeMs)] : []),
        ...(isReminded ? [reminderRecord(request, reminded, timeMs)] : []),
      ];
      if (records.length > 0) {
        await this.apply(request, { escalated: to, by: "clock", timeMs }, ...records);
        return true;
      }
      // A moment of a configuration that has changed since: the next one is noted, or it would look due for ever.
      if ((request.wakeMs ?? Number.POSITIVE_INFINITY) <= timeMs) await this.apply(request, { by: "clock", timeMs });
      return false;
    });
  }

  /** How often those who are asked were reminded of a request since somebody last answered. */
  reminded(request: RequestOverview): number {
    return request.state === "pending" ? this.#remindedBy(request, request.escalatedMs) : 0;
  }

  #remindedBy(request: RequestOverview, timeMs: number): number {
    return remindedBy(this.#parts.reminders, answeredMs(request, request.votes), timeMs);
  }

  /** When the clock has something to do after a change; null when nothing waits any more. */
  #wakeAfter(request: StoredRequest, { to, vote, escalated, validUntilMs, timeMs, course }: Entry): number | null {
    if (to === "approved") return validUntilMs ?? timeMs;
    const isBetweenLines = course !== undefined && (to ?? request.state) === "executing" && lineAtWork({ course }) === undefined;
    if (isBetweenLines) return request.validUntilMs ?? timeMs;
    if (course !== undefined) return null;
    if (to !== undefined || request.state !== "pending") return to === undefined ? (request.wakeMs ?? null) : null;
    const votes = vote === undefined ? request.votes : [...request.votes, vote];
    return this.#pendingWake(request, votes, escalated === undefined ? request.escalatedMs : timeMs);
  }

  #pendingWake(request: Asked, votes: readonly Vote[], escalatedMs: number): number {
    const more = nextEscalation(this.#parts.progress(request, votes), escalatedMs) ?? Number.POSITIVE_INFINITY;
    const again = nextReminder(this.#parts.reminders, answeredMs(request, votes), escalatedMs) ?? Number.POSITIVE_INFINITY;
    return Math.min(request.binding.expiry.pendingUntilMs, more, again);
  }

  #expire(request: StoredRequest): Promise<StoredRequest> {
    if (request.state === "executing") {
      const outcome = stoppedPlan(request, { code: "expired", message: "Its time was up before all of its lines had run." });
      return this.apply(request, { to: "failed", outcome, by: "clock", timeMs: this.now() });
    }
    const message =
      request.state === "pending"
        ? "Nobody approved it in time. Submit it again if it is still needed."
        : "It was approved, but not started in time. Submit it again if it is still needed.";
    const outcome: Outcome = {
      state: "expired",
      failure: { code: "expired", message, retryable: false },
      rows: 0,
      bytes: 0,
      durationMs: 0,
    };
    return this.apply(request, { to: "expired", outcome, by: "clock", timeMs: this.now() });
  }
}

function overtaken(requestId: string): CountersignError {
  const message = "The request was changed by someone else meanwhile. Try again.";
  return new CountersignError("control_plane_unavailable", message, { retryable: true, requestId });
}
