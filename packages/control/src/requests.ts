import type { RecordDraft } from "@countersign/audit";
import {
  CountersignError,
  canTransition,
  type Digest,
  lineCount,
  type Outcome,
  type RequestBook,
  type RequestDraft,
  type RequestEvent,
  type RequestFilter,
  type RequestSnapshot,
  type RequestState,
  type Revocations,
  type Settlement,
} from "@countersign/policy";
import { unanswerable } from "./answerable.ts";
import type { Directory } from "./directory.ts";
import { checkDraft } from "./draft.ts";
import type { Grants } from "./grants.ts";
import { headline } from "./headline.ts";
import type { Ledger } from "./ledger.ts";
import { isUnderWay, requirePermit, requireUnlocked } from "./permits.ts";
import { Plans, stopPlan } from "./plans.ts";
import { unanswerableRecord } from "./request-records.ts";
import type { Opening, Position, StoredRequest } from "./stores/request-store.ts";
import { asks, predecessorOf, requireSameCaller, requireSameOperation } from "./succession.ts";
import { excluded } from "./tally.ts";

/** How many requests are read at a time. */
const page = 200;

/** How a sidecar may end a request. Denials and expiry are the control plane's own. */
const settleable: ReadonlySet<RequestState> = new Set(["cancelled", "revoked", "succeeded", "failed", "unknown"]);

/** How one that waits ends when another takes its place: the transition table has its own word for each. */
const endings = { pending: "cancelled", approved: "revoked" } as const satisfies Partial<Record<RequestState, RequestState>>;

/** The requests of this control plane, for sidecars. */
export class Requests implements RequestBook {
  readonly #ledger: Ledger;
  readonly #locks: Revocations;
  readonly #directory: Directory;
  readonly #plans: Plans;
  readonly #grants: Grants;

  constructor(ledger: Ledger, locks: Revocations, directory: Directory, grants: Grants) {
    this.#ledger = ledger;
    this.#locks = locks;
    this.#directory = directory;
    this.#grants = grants;
    this.#plans = new Plans({ ledger, locks, grants });
  }

  open(draft: RequestDraft, grants: readonly string[] = []): Promise<RequestSnapshot> {
    const { idempotencyKey } = draft;
    if (idempotencyKey === undefined) return this.#insert(draft, grants);
    const { issuer, subject } = draft.action.principal;
    const key = { issuer, subject, idempotencyKey };
    return this.#ledger.alone(JSON.stringify([issuer, subject, idempotencyKey]), async () => {
      const known = await this.#ledger.store.get(key);
      return known === undefined ? this.#insert(draft, grants) : attach(known, draft);
    });
  }

  async #insert(asked: RequestDraft, grants: readonly string[]): Promise<RequestSnapshot> {
    const { requestId: id } = asked.binding;
    // Only a grant that was used here approves anything, whatever the draft says.
    const { grant: _, ...own } = asked;
    this.#opening(own);
    const grant = asked.decision.effect === "review" ? await this.#grants.useFirst(grants, own) : undefined;
    const draft = { ...own, ...(grant && { grant }) };
    const opening = this.#opening(draft);
    if (grant === undefined) await this.#refuseUnanswerable(draft);
    const inserted = await this.#ledger.open(opening);
    const stored = await this.#ledger.store.get({ id });
    if (inserted === "taken" || stored === undefined) {
      const message = "The request id is in use. A sidecar makes a new random id for each request.";
      throw new CountersignError("invalid_request", message, { requestId: id });
    }
    return stored;
  }

  /** What a draft opens as, when it may: a review waits for people unless a grant approves it, an allowed action is approved by policy. */
  #opening(draft: RequestDraft): Omit<Opening, "wakeMs"> {
    const timeMs = this.#ledger.now();
    checkDraft(draft, timeMs);
    requireUnlocked(draft.action, draft.binding.requestId, this.#locks);
    const base = { draft, headline: headline(draft.action.operation), timeMs };
    const by = draft.decision.effect === "allow" ? "policy" : draft.grant?.grantId;
    return by === undefined
      ? { ...base, state: "pending", by: draft.action.principal.subject }
      : { ...base, state: "approved", by, validUntilMs: timeMs + draft.binding.expiry.validForMs };
  }

  replace(draft: RequestDraft, by: string): Promise<RequestSnapshot> {
    return this.replaceWith(draft, by, (old) => {
      requireSameOperation(old, draft);
      return [];
    });
  }

  /**
   * Puts a request in the place of one that waits, whatever its operation. The work is done while nothing else changes the old one: it gives
   * what is recorded along with that, or throws what keeps it from happening.
   */
  async replaceWith(
    draft: RequestDraft,
    by: string,
    work: (old: StoredRequest) => readonly RecordDraft[] | Promise<readonly RecordDraft[]>,
  ): Promise<RequestSnapshot> {
    const { requestId: id } = draft.binding;
    const { requestId: oldId, why } = predecessorOf(draft);
    return this.#ledger.withRequest(oldId, async (old) => {
      if (old.state !== "pending" && old.state !== "approved") {
        throw new CountersignError("not_pending", `It is ${old.state}; nothing can take its place.`, { requestId: oldId });
      }
      const ending = endings[old.state];
      requireSameCaller(old, draft);
      const records = await work(old);
      const outcome: Outcome = {
        ...{ state: ending, failure: { code: ending, message: why, retryable: false } },
        ...{ rows: 0, bytes: 0, durationMs: 0, replacedBy: id },
      };
      const { grant: _, ...own } = draft;
      const opening = this.#opening(own);
      await this.#refuseUnanswerable(draft);
      await this.#ledger.replace(old, { to: ending, outcome, by, timeMs: opening.timeMs }, opening, ...records);
      const stored = await this.#ledger.store.get({ id });
      if (stored === undefined) throw new CountersignError("internal", "The new request cannot be read.", { requestId: id });
      return stored;
    });
  }

  /** What nobody could ever approve is refused at once, and recorded, instead of letting somebody wait in vain. */
  async #refuseUnanswerable(draft: RequestDraft): Promise<void> {
    if (draft.decision.effect !== "review") return;
    const refusal = unanswerable(draft.decision.approval, excluded(draft), this.#directory);
    if (refusal === undefined) return;
    await this.#ledger.record(unanswerableRecord(draft, refusal, this.#ledger.now()));
    throw new CountersignError("nobody_can_approve", refusal, { requestId: draft.binding.requestId });
  }

  async list(filter: RequestFilter): Promise<readonly RequestSnapshot[]> {
    const { store } = this.#ledger;
    if ("id" in filter) {
      const found = await store.get({ id: filter.id });
      return found === undefined ? [] : [found];
    }
    const all: RequestSnapshot[] = [];
    let after: Position | undefined;
    for (;;) {
      const query = { states: ["pending", "approved", "executing", "unknown"], sidecar: filter.unfinishedOf } as const;
      const some = await store.list(after === undefined ? query : { ...query, after }, page);
      const whole = await Promise.all(some.map((one) => store.get({ id: one.binding.requestId })));
      all.push(...whole.filter((one) => one !== undefined));
      const last = some.at(-1);
      if (last === undefined || some.length < page) return all;
      after = { createdMs: last.createdMs, id: last.binding.requestId };
    }
  }

  async *watch(id: string, afterSequence: number, signal: AbortSignal): AsyncGenerator<RequestEvent> {
    let last = afterSequence;
    for await (const _changed of this.#ledger.changes.of(id, signal)) {
      const journal = await this.#ledger.store.journal(id, last);
      if (journal === undefined) throw new CountersignError("not_found", "There is no such request. Check the id.");
      for (const event of journal.events) {
        yield event;
        last = event.sequence;
      }
      if (journal.ended) return;
    }
  }

  claim(id: string, requestDigest: Digest, sidecar: string): Promise<RequestSnapshot> {
    return this.#ledger.withRequest(id, async (request) => {
      if (lineCount(request) > 0) {
        throw new CountersignError("invalid_request", "The lines of a plan are claimed one by one.", { requestId: id });
      }
      await requirePermit(
        request,
        { requestDigest, sidecar },
        { ledger: this.#ledger, locks: this.#locks, grants: this.#grants },
      );
      return this.#ledger.apply(request, { to: "executing", by: "sidecar", timeMs: this.#ledger.now() });
    });
  }

  beginLine(id: string, requestDigest: Digest, sidecar: string, line: number): Promise<RequestSnapshot> {
    return this.#plans.begin(id, requestDigest, sidecar, line);
  }

  endLine(id: string, line: number, outcome: Outcome): Promise<RequestSnapshot> {
    return this.#plans.end(id, line, outcome);
  }

  settle(id: string, { outcome, by, resultEvents }: Settlement): Promise<RequestSnapshot> {
    return this.#ledger.withRequest(id, async (request) => {
      const to = outcome.state;
      // Said again, because the first answer got lost: it stands.
      if (to === request.state && to !== "cancelled") return request;
      if (isUnderWay(request) && to === "cancelled") {
        return stopPlan(this.#ledger, request, outcome.failure ?? { code: "cancelled", message: "Cancelled." }, by);
      }
      const isLines = lineCount(request) > 0 && (request.state === "executing" || request.state === "unknown");
      if (isLines || !settleable.has(to) || !canTransition(request.state, to)) {
        throw new CountersignError("not_cancellable", `The request is ${request.state} and cannot become ${to}.`, {
          requestId: id,
        });
      }
      return this.#ledger.apply(request, {
        to,
        outcome,
        by,
        timeMs: this.#ledger.now(),
        resultEvents: request.state === "executing" ? resultEvents : 0,
      });
    });
  }
}

/** The same key with the same action gives the same request. */
function attach(known: StoredRequest, draft: RequestDraft): RequestSnapshot {
  if (known.binding.actionDigest === draft.binding.actionDigest) return known;
  // Another policy may give it another role than the one that it was opened with; what took its place is what this call would become.
  if (known.outcome?.replacedBy !== undefined && asks(known) === asks(draft)) return known;
  throw new CountersignError(
    "idempotency_conflict",
    "This idempotency key was used for another action. Use a new key, or repeat the action unchanged.",
    { requestId: known.binding.requestId },
  );
}
