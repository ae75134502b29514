import type { KeyObject } from "node:crypto";
import {
  type Approver,
  askedAfter,
  type Ballot,
  CountersignError,
  type ErrorCode,
  isNamedBy,
  type Outcome,
  personOf,
  type Quorum,
  type RequestState,
  type StageProgress,
  signVote,
} from "@countersign/policy";
import type { Ledger } from "./ledger.ts";
import { hasLapsed } from "./lifetime.ts";
import type { Locks } from "./locks.ts";
import { refusedVoteRecord, voteRecord } from "./records.ts";
import type { JournalEntry, OverviewQuery, RequestOverview, StoredRequest } from "./stores/request-store.ts";
import { isRequester, turnOf } from "./tally.ts";

/** The longest comment, bytes of UTF-8. */
export const commentBytes = 4096;

/** A vote as an approver casts it. */
export interface VoteAttempt {
  /** What the approver saw. */
  readonly requestDigest: string;
  readonly verdict: Ballot["verdict"];
  readonly comment: string;
}

/** Why a vote is not taken. */
export interface VoteRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What approvers do: see requests and vote on them. Every approver surface goes through here. */
export class Approvals {
  readonly #ledger: Ledger;
  readonly #voteKey: KeyObject;
  readonly #locks: Pick<Locks, "isLocked">;

  /** @param voteKey Signs votes (Ed25519, private). */
  constructor(ledger: Ledger, voteKey: KeyObject, locks: Pick<Locks, "isLocked">) {
    this.#ledger = ledger;
    this.#voteKey = voteKey;
    this.#locks = locks;
  }

  /**
   * Takes a vote: checked, signed, recorded, stored, and counted, while nothing else changes the request. A refused vote is recorded too.
   *
   * @throws {CountersignError} `not_found`, `invalid_request`, `expired`, `not_pending`, `digest_mismatch`, `requester_cannot_vote`,
   * `already_voted`, `not_an_approver`, `audit_unavailable`, `control_plane_unavailable`.
   */
  async vote(id: string, attempt: VoteAttempt, approver: Approver): Promise<StoredRequest> {
    checkComment(attempt.comment);
    return this.#ledger.withRequest(id, async (request) => {
      const timeMs = this.#ledger.now();
      const refusal = this.refusal(request, approver) ?? otherDigest(request, attempt);
      if (refusal !== undefined) {
        await this.#ledger.record(refusedVoteRecord(request, { ...attempt, approver }, refusal.code, timeMs));
        throw new CountersignError(refusal.code, refusal.message, { requestId: id });
      }
      const { verdict, comment } = attempt;
      const ballot: Ballot = { requestId: id, requestDigest: request.requestDigest, approver, verdict, comment, timeMs };
      const vote = signVote(ballot, this.#voteKey);
      const decision = this.#ledger.progress(request, [...request.votes, vote]).verdict;
      const entry = { vote, timeMs, by: approver.subject, ...consequence(decision, request, ballot) };
      return this.#ledger.apply(request, entry, voteRecord(request, vote));
    });
  }

  /** Why this approver cannot vote on a request as it stands; undefined when they can. */
  refusal(request: RequestOverview, approver: Approver): VoteRefusal | undefined {
    if (request.state === "expired" || hasLapsed(request, this.#ledger.now()))
      return { code: "expired", message: "Its time is up; nothing will run." };
    if (request.state !== "pending") return { code: "not_pending", message: `It is ${request.state} and takes no more votes.` };
    if (isRequester(request, approver)) {
      return {
        code: "requester_cannot_vote",
        message: "Whoever asks, or owns the one who asks, cannot approve. Someone else has to.",
      };
    }
    if (this.#locks.isLocked(approver)) {
      return { code: "approver_locked", message: "Your right to decide was taken back. Someone else has to decide." };
    }
    if (request.votes.some((vote) => personOf(vote.approver) === personOf(approver))) {
      return { code: "already_voted", message: "You have voted on this request; a vote is final." };
    }
    const turn = turnOf(this.progress(request), approver, this.#ledger.now());
    if (turn === "later") {
      return { code: "stage_not_reached", message: "It is not your turn yet: people are asked before you who have not agreed." };
    }
    if (turn === "never") return { code: "not_an_approver", message: "The rules that hold this request do not ask you." };
    return undefined;
  }

  /** Why somebody may not judge a request at all, whatever its state: the requester, the locked, and those whom no stage names. */
  cannotJudge(request: RequestOverview, approver: Approver): VoteRefusal | undefined {
    if (isRequester(request, approver)) {
      return {
        code: "requester_cannot_vote",
        message: "Whoever asked, or owns the one who asked, cannot say. Someone else has to.",
      };
    }
    if (this.#locks.isLocked(approver)) {
      return { code: "approver_locked", message: "Your right to decide was taken back. Someone else has to." };
    }
    const { decision } = request;
    const stages = decision.effect === "review" ? decision.approval.requirements.flatMap((one) => one.stages) : [];
    const named = stages.length === 0 || stages.some((stage) => isNamedBy(askedAfter(stage, Number.POSITIVE_INFINITY), approver));
    return named ? undefined : { code: "not_an_approver", message: "The rules that held this request do not name you." };
  }

  /** How far a request's approval is, by the votes whose signatures are right. */
  progress(request: RequestOverview): Quorum {
    return this.#ledger.progress(request, request.votes);
  }

  /** Everybody whom a stage asks by now, those added by time among them. */
  askedNow({ stage, sinceMs }: StageProgress): readonly string[] {
    return sinceMs === undefined ? stage.approvers : askedAfter(stage, this.#ledger.now() - sinceMs);
  }

  /** @throws {CountersignError} `not_found`. */
  async get(id: string): Promise<{ readonly request: StoredRequest; readonly history: readonly JournalEntry[] }> {
    const request = await this.#ledger.store.get({ id });
    const journal = await this.#ledger.store.journal(id, 0);
    if (request === undefined || journal === undefined)
      throw new CountersignError("not_found", "There is no such request. Check the id.");
    return { request, history: journal.entries.filter((entry) => entry.state !== undefined) };
  }

  list(query: OverviewQuery, limit: number): Promise<readonly RequestOverview[]> {
    return this.#ledger.store.list(query, limit);
  }

  /** Turns once at the start, then with the ids of requests that were opened or changed, until the signal aborts. */
  changes(signal: AbortSignal): AsyncIterable<ReadonlySet<string>> {
    return this.#ledger.changes.all(signal);
  }
}

function checkComment(comment: string): void {
  if (Buffer.byteLength(comment) > commentBytes) {
    throw new CountersignError("invalid_request", `The comment is longer than ${commentBytes} bytes. Shorten it.`);
  }
  if (!comment.isWellFormed()) throw new CountersignError("invalid_request", "The comment is not valid Unicode.");
}

function otherDigest(request: RequestOverview, attempt: VoteAttempt): VoteRefusal | undefined {
  if (attempt.requestDigest === request.requestDigest) return undefined;
  return { code: "digest_mismatch", message: "You voted over another digest than this request has. Look at the request again." };
}

/** What follows from the votes so far. */
function consequence(
  verdict: Quorum["verdict"],
  request: RequestOverview,
  { approver, comment, timeMs }: Ballot,
): { to?: RequestState; validUntilMs?: number; outcome?: Outcome } {
  switch (verdict) {
    case "waiting":
      return {};
    case "approved":
      return { to: "approved", validUntilMs: timeMs + request.binding.expiry.validForMs };
    case "denied": {
      const message = comment === "" ? `Denied by ${approver.subject}.` : `Denied by ${approver.subject}: ${comment}`;
      return {
        to: "denied",
        outcome: { state: "denied", failure: { code: "denied", message, retryable: false }, rows: 0, bytes: 0, durationMs: 0 },
      };
    }
  }
}
