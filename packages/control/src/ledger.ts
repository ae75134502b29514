import type { AuditLog, RecordDraft } from "@countersign/audit";
import { CountersignError, type Outcome } from "@countersign/policy";
import type { Changes } from "./changes.ts";
import { deadline, hasLapsed } from "./lifetime.ts";
import { record, requestRecord, stateRecord } from "./records.ts";
import type { Change, Opening, RequestStore, StoredRequest } from "./stores/request-store.ts";
import { Turns } from "./turns.ts";

/** What a ledger is made of. */
export interface LedgerParts {
  readonly store: RequestStore;
  readonly audit: AuditLog;
  readonly changes: Changes;
  /** Milliseconds since the Unix epoch; never goes back. */
  readonly now: () => number;
  /** Told of every new deadline. */
  readonly noteDeadline: (deadlineMs: number) => void;
}

/** A change as its decider states it; the ledger adds what it was decided on. */
export type Entry = Omit<Change, "from" | "revision">;

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
  async open(opening: Opening): Promise<"inserted" | "taken"> {
    await this.record(requestRecord(opening));
    const inserted = await this.store.insert(opening);
    if (inserted === "inserted") {
      const { requestId, expiry } = opening.draft.binding;
      this.#parts.noteDeadline(opening.validUntilMs ?? expiry.pendingUntilMs);
      this.changes.publish(requestId);
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
    const changed = await this.store.change(id, { ...entry, from: request.state, revision: request.revision });
    const after = await this.store.get({ id });
    if (!changed || after === undefined) {
      throw new CountersignError("control_plane_unavailable", "The request was changed by someone else meanwhile. Try again.", {
        retryable: true,
        requestId: id,
      });
    }
    const until = deadline(after);
    if (until !== undefined) this.#parts.noteDeadline(until);
    this.changes.publish(id);
    return after;
  }

  /** Puts records on disk. */
  record(...records: RecordDraft[]): Promise<void> {
    return record(this.#parts.audit, records);
  }

  /** Resolves once every change that has begun has ended. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  #expire(request: StoredRequest): Promise<StoredRequest> {
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
