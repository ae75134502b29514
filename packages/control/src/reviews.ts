import {
  type Approver,
  CountersignError,
  isExcluded,
  type Json,
  mayBreakGlass,
  type Requirement,
  type Vote,
  type Voter,
} from "@countersign/policy";
import type { Clock } from "./clock.ts";
import type { Eligibility } from "./eligibility.ts";
import type { Ledger } from "./ledger.ts";
import { requireReason } from "./reason.ts";
import type { RecordedReview, RecordedStanding } from "./recorded-standing.ts";
import { reviewRecord } from "./standing-records.ts";
import { everyStanding } from "./stores/every-standing.ts";
import type { RequestOverview } from "./stores/request-store.ts";
import type { Standing, StandingStore } from "./stores/standing-store.ts";

/** The review that an emergency requires. */
export interface Review {
  readonly requestId: string;
  /** Who approved alone, the first of them first. */
  readonly by: readonly Voter[];
  /** Why, in their words. */
  readonly reason: string;
  readonly timeMs: number;
  readonly dueMs: number;
  readonly headline: string;
  readonly resource: string;
  /** Whether it was told that the time is up. */
  readonly overdue?: true;
  /** Present when it is closed. */
  readonly closed?: { readonly by: string; readonly finding: string };
}

/** What reviews are kept with. */
export interface ReviewParts {
  readonly store: StandingStore;
  readonly ledger: Pick<Ledger, "store" | "record" | "now" | "changes">;
  readonly eligibility: Pick<Eligibility, "cannotJudge" | "asNow">;
  readonly clock: Clock;
  /** Told when somebody approves alone, and when nobody has looked at it in time. */
  readonly onEmergency: (review: Review, change: "opened" | "overdue") => void;
}

/** The longest sleep, milliseconds: a wall clock that was set ahead is noticed by then. */
const longestSleepMs = 30_000;
const retryMs = 1_000;
/** How many closed ones are listed. */
const mostClosed = 500;

/** What somebody has to look at because others approved alone: open until another person closes it. */
export class Reviews implements AsyncDisposable {
  readonly #parts: ReviewParts;
  readonly #open = new Map<string, Review>();
  #cancel: () => void = () => {};
  #sweep: Promise<void> = Promise.resolve();
  #disposed = false;

  private constructor(parts: ReviewParts) {
    this.#parts = parts;
  }

  /**
   * Reads the open ones, and puts back those that were recorded as due and are missing. One of a vote that a crash kept from being stored is
   * void: nobody approved.
   */
  static async open(parts: ReviewParts, recorded: RecordedStanding["reviews"]): Promise<Reviews> {
    const reviews = new Reviews(parts);
    const open: Review[] = [];
    for await (const standing of everyStanding(parts.store, { kind: "review", active: true })) open.push(reviewOf(standing));
    for (const review of open) reviews.#open.set(review.requestId, review);
    for (const review of recorded.values()) if (!reviews.#open.has(review.requestId)) await reviews.#restore(review);
    for (const requestId of [...reviews.#open.keys()]) await reviews.#voidUnlessVoted(requestId);
    await reviews.#tellOverdue();
    return reviews;
  }

  /** Until when the open review of a request should be closed; undefined when none is open. */
  dueMs(requestId: string): number | undefined {
    return this.#open.get(requestId)?.dueMs;
  }

  /** Open ones first, the one that is due first before others; then the closed ones, newest first. */
  async list(openOnly: boolean): Promise<readonly Review[]> {
    const open = [...this.#open.values()].sort((a, b) => a.dueMs - b.dueMs);
    if (openOnly) return open;
    const closed: Review[] = [];
    for await (const standing of everyStanding(this.#parts.store, { kind: "review", active: false })) {
      const review = reviewOf(standing);
      if (review.closed !== undefined && closed.push(review) >= mostClosed) break;
    }
    return [...open, ...closed];
  }

  /**
   * Stores a vote that approves alone. Its review is recorded and on disk before the vote is, so that no crash leaves one without the other;
   * it is void when the vote cannot be stored.
   */
  async around<Result>(request: RequestOverview, vote: Vote, store: () => Promise<Result>): Promise<Result> {
    const { requestId } = request.binding;
    await this.#require(request, vote);
    try {
      const result = await store();
      this.#plan();
      const review = this.#open.get(requestId);
      if (review !== undefined) this.#parts.onEmergency(review, "opened");
      return result;
    } catch (error) {
      // While nobody can tell whether the vote is stored, the review stays open.
      await this.#voidUnlessVoted(requestId).catch(() => {});
      throw error;
    }
  }

  async #require(request: RequestOverview, { approver, comment, timeMs }: Vote): Promise<void> {
    const { requestId } = request.binding;
    const dueMs = timeMs + reviewWithin(request, approver);
    const voter: Voter = {
      ...{ subject: approver.subject, groups: approver.groups },
      ...(approver.accounts && { accounts: approver.accounts }),
    };
    const known = this.#open.get(requestId);
    const fresh = { requestId, by: [voter], reason: comment, timeMs, dueMs };
    const review: Review =
      known === undefined
        ? { ...fresh, headline: request.headline, resource: request.action.resource }
        : { ...known, by: [...known.by, voter], reason: `${known.reason}\n${comment}`, dueMs: Math.min(known.dueMs, dueMs) };
    await this.#parts.ledger.record(reviewRecord(review, "opened", approver.subject, comment, timeMs));
    if (known === undefined) await this.#insert(review);
    else await this.#change(review, true);
    this.#open.set(requestId, review);
  }

  /** Its row was deleted or set to an older state, or a crash kept it from being stored. */
  async #restore({ requestId, resource, by, timeMs, dueMs }: RecordedReview): Promise<void> {
    const { ledger } = this.#parts;
    const request = await ledger.store.get({ id: requestId });
    const broken = request?.votes.filter((vote) => vote.breakGlass === true).map(({ approver }) => approver) ?? [];
    const review: Review = {
      ...{ requestId, resource, timeMs, dueMs, headline: request?.headline ?? "" },
      by: by.map((subject) => broken.find((one) => one.subject === subject) ?? { subject, groups: [] }),
      reason: "It stands in the audit log and was missing from the store. Its reason is in the log.",
    };
    await ledger.record(reviewRecord(review, "restored", "control", "", ledger.now()));
    await this.#insert(review);
    this.#open.set(requestId, review);
  }

  async #voidUnlessVoted(requestId: string): Promise<void> {
    const { ledger } = this.#parts;
    const review = this.#open.get(requestId);
    const request = await ledger.store.get({ id: requestId });
    if (review === undefined || request?.votes.some((vote) => vote.breakGlass === true) === true) return;
    await ledger.record(reviewRecord(review, "void", "control", "", ledger.now()));
    await this.#change(review, false);
    this.#open.delete(requestId);
  }

  /**
   * Closes a review: somebody whom the rules name has looked, neither the requester nor whoever broke the glass.
   *
   * @throws {CountersignError} `reason_required`, `invalid_request`, `not_found`, `not_pending` when it is closed, `requester_cannot_vote`,
   * `approver_locked`, `not_an_approver`, `audit_unavailable`, `control_plane_unavailable`.
   */
  async close(requestId: string, by: Approver, finding: string): Promise<Review> {
    requireReason(finding, "Say what you found: the review is of no use without it.");
    const { ledger, eligibility, store } = this.#parts;
    const review = this.#open.get(requestId);
    if (review === undefined) {
      const standing = await store.get(idOf(requestId));
      const isClosed = standing !== undefined && reviewOf(standing).closed !== undefined;
      if (isClosed) throw new CountersignError("not_pending", "Its review is closed already.", { requestId });
      throw new CountersignError(
        "not_found",
        "No emergency of that request has to be reviewed. `countersign reviews` lists them.",
      );
    }
    const request = await ledger.store.get({ id: requestId });
    const refusal = request && eligibility.cannotJudge(request, by);
    if (refusal !== undefined) throw new CountersignError(refusal.code, refusal.message, { requestId });
    if (isExcluded(review.by.flatMap(asExcluded), eligibility.asNow(by) ?? by)) {
      throw new CountersignError("not_an_approver", "Whoever approved alone cannot review it. Someone else has to.", {
        requestId,
      });
    }
    const closed: Review = { ...review, closed: { by: by.subject, finding } };
    await ledger.record(reviewRecord(closed, "closed", by.subject, finding, ledger.now()));
    await this.#change(closed, false);
    this.#open.delete(requestId);
    ledger.changes.publish(requestId);
    return closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#cancel();
    await this.#sweep;
  }

  async #insert(review: Review): Promise<void> {
    const { requestId, timeMs, dueMs } = review;
    const standing = { id: idOf(requestId), kind: "review", name: requestId, createdMs: timeMs, untilMs: dueMs } as const;
    const inserted = await this.#parts.store.insert({ ...standing, active: true, body: bodyOf(review) });
    // One that became void, because its vote could not be stored.
    if (inserted === "taken") await this.#change(review, true);
  }

  async #change(review: Review, active: boolean): Promise<void> {
    const { store } = this.#parts;
    const standing = await store.get(idOf(review.requestId));
    const changed =
      standing !== undefined && (await store.change(standing.id, standing.revision, { active, body: bodyOf(review) }));
    if (changed) return;
    throw new CountersignError("control_plane_unavailable", "The review was changed by someone else meanwhile. Try again.", {
      retryable: true,
      requestId: review.requestId,
    });
  }

  /** Sleeps until the next review is due. */
  #plan(sleepMs?: number): void {
    this.#cancel();
    const due = [...this.#open.values()].filter(({ overdue }) => overdue !== true).map(({ dueMs }) => dueMs);
    if (this.#disposed || due.length === 0) return;
    const untilMs = Math.max(Math.min(...due) - this.#parts.ledger.now(), 0);
    this.#cancel = this.#parts.clock.after(sleepMs ?? Math.min(untilMs, longestSleepMs), () => {
      this.#sweep = this.#tellOverdue();
    });
  }

  async #tellOverdue(): Promise<void> {
    const { ledger, onEmergency } = this.#parts;
    const nowMs = ledger.now();
    const due = [...this.#open.values()].filter((review) => review.overdue !== true && review.dueMs <= nowMs);
    try {
      for (const review of due) {
        const overdue: Review = { ...review, overdue: true };
        await ledger.record(reviewRecord(overdue, "overdue", "clock", "", nowMs));
        // Somebody may have closed it meanwhile.
        if (this.#open.get(review.requestId) !== review) continue;
        await this.#change(overdue, true);
        this.#open.set(review.requestId, overdue);
        ledger.changes.publish(review.requestId);
        onEmergency(overdue, "overdue");
      }
      this.#plan();
    } catch {
      // Neither log nor store: it is told as soon as that is possible.
      this.#plan(retryMs);
    }
  }
}

function reviewWithin({ decision }: RequestOverview, approver: Approver): number {
  const requirements: readonly Requirement[] = decision.effect === "review" ? decision.approval.requirements : [];
  const broken = requirements.flatMap((one) => (mayBreakGlass(one, approver) ? (one.breakGlass?.reviewWithinMs ?? []) : []));
  return Math.min(...broken);
}

function asExcluded({ subject, accounts = [] }: Voter): readonly { issuer: string; subject: string }[] {
  return [subject, ...accounts].map((name) => ({ issuer: "", subject: name }));
}

function idOf(requestId: string): string {
  return `review_${requestId}`;
}

function bodyOf(review: Review): Json {
  return JSON.parse(JSON.stringify(review));
}

/** The seal of the store is the check beside the cast: only this program, with its key, wrote the body. */
function reviewOf({ body }: Standing): Review {
  return body as unknown as Review;
}
