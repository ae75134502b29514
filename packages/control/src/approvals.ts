import {
  type Approver,
  askedAfter,
  type Ballot,
  CountersignError,
  type GrantTerms,
  type Outcome,
  type Quorum,
  type RequestState,
  type StageProgress,
} from "@countersign/policy";
import type { Eligibility, VoteRefusal } from "./eligibility.ts";
import { offeredWith } from "./grant-making.ts";
import type { Grants } from "./grants.ts";
import type { Ledger } from "./ledger.ts";
import type { Reviews } from "./reviews.ts";
import type { Signatures } from "./signatures.ts";
import type { OverviewQuery, RequestOverview, StateEntry, StoredRequest } from "./stores/request-store.ts";
import { struckBy } from "./striking.ts";
import { refusedVoteRecord, voteRecord } from "./vote-records.ts";

/** The longest comment, bytes of UTF-8. */
export const commentBytes = 4096;

/** A vote as an approver casts it. */
export interface VoteAttempt {
  /** What the approver saw. */
  readonly requestDigest: string;
  readonly verdict: Ballot["verdict"];
  readonly comment: string;
  /** Alone, in an emergency. */
  readonly breakGlass?: true;
  /** Makes the approval a standing one as well. */
  readonly grant?: GrantTerms;
  /** Lines of a plan, from 0, that are struck out. */
  readonly struck?: readonly number[];
}

/** What approvers do: see requests and vote on them. Every approver surface goes through here. */
export class Approvals {
  readonly #ledger: Ledger;
  readonly #signatures: Signatures;
  readonly #eligibility: Eligibility;
  readonly #grants: Grants;
  readonly #reviews: Reviews;

  constructor(ledger: Ledger, signatures: Signatures, eligibility: Eligibility, grants: Grants, reviews: Reviews) {
    this.#ledger = ledger;
    this.#signatures = signatures;
    this.#eligibility = eligibility;
    this.#grants = grants;
    this.#reviews = reviews;
  }

  /**
   * Takes a vote: checked, signed, recorded, stored, and counted, while nothing else changes the request. A refused vote is recorded too.
   *
   * @throws {CountersignError} `not_found`, `invalid_request`, `expired`, `not_pending`, `digest_mismatch`, `requester_cannot_vote`,
   * `already_voted`, `not_an_approver`, `grant_too_wide`, `audit_unavailable`, `control_plane_unavailable`.
   */
  async vote(id: string, attempt: VoteAttempt, approver: Approver): Promise<StoredRequest> {
    checkComment(attempt.comment);
    if (attempt.breakGlass && attempt.verdict !== "approve") {
      throw new CountersignError(
        "invalid_request",
        "An emergency is a reason to approve alone; everybody who is asked can deny.",
      );
    }
    return this.#ledger.withRequest(id, async (request) => {
      const timeMs = this.#ledger.now();
      const { verdict, comment, breakGlass } = attempt;
      const voter = this.#eligibility.asNow(approver) ?? approver;
      const offered = offeredWith(request, attempt);
      const striking = struckBy(request, attempt);
      const ballot: Ballot = {
        ...{ requestId: id, requestDigest: request.requestDigest, approver: voter, verdict, comment, timeMs },
        ...(breakGlass && { breakGlass }),
        ...(offered.offer && { grant: offered.offer }),
        ...(striking.lines && { struck: striking.lines }),
      };
      const vote = this.#signatures.sign(ballot);
      const progress = this.#ledger.progress(request, [...request.votes, vote]);
      const refusal =
        this.#eligibility.refusal(request, approver, breakGlass) ??
        otherDigest(request, attempt) ??
        noEmergency(attempt) ??
        offered.refusal ??
        striking.refusal ??
        usedRight(attempt, this.progress(request), progress);
      if (refusal !== undefined) {
        await this.#ledger.record(refusedVoteRecord(request, { ...attempt, approver: voter }, refusal.code, timeMs));
        throw new CountersignError(refusal.code, refusal.message, { requestId: id });
      }
      const entry = { vote, timeMs, by: voter.subject, ...consequence(progress.verdict, request, ballot) };
      const made = progress.verdict === "approved" ? this.#grants.madeBy(request, [...request.votes, vote]) : undefined;
      const store = () => this.#ledger.apply(request, entry, voteRecord(request, vote), ...(made?.records ?? []));
      const after = await (breakGlass ? this.#reviews.around(request, vote, store) : store());
      await made?.keep();
      return after;
    });
  }

  /** Why this approver cannot vote on a request as it stands; undefined when they can. */
  refusal(request: RequestOverview, approver: Approver): VoteRefusal | undefined {
    return this.#eligibility.refusal(request, approver);
  }

  /** Whether this approver may approve a request alone, in an emergency. */
  mayBreakGlass(request: RequestOverview, approver: Approver): boolean {
    return this.#eligibility.refusal(request, approver, true) === undefined;
  }

  /** Whether somebody approved a request alone, by a vote whose signature is right. */
  brokeGlass(request: RequestOverview): boolean {
    // Most have no such vote: signatures are checked only where one claims to be.
    return (
      request.votes.some((vote) => vote.breakGlass === true) &&
      this.progress(request).requirements.some(({ brokeGlass }) => brokeGlass)
    );
  }

  /** How often those who are asked were reminded of a request since somebody last answered. */
  reminded(request: RequestOverview): number {
    return this.#ledger.reminded(request);
  }

  /** Until when the open review of a request should be closed; undefined when none is open. */
  reviewDueMs(request: RequestOverview): number | undefined {
    return this.#reviews.dueMs(request.binding.requestId);
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
  async get(id: string): Promise<{ readonly request: StoredRequest; readonly history: readonly StateEntry[] }> {
    const request = await this.#ledger.store.get({ id });
    if (request === undefined) throw new CountersignError("not_found", "There is no such request. Check the id.");
    return { request, history: await this.history(id) };
  }

  /** The states that a request has entered, and when. */
  history(id: string): Promise<readonly StateEntry[]> {
    return this.#ledger.store.history(id);
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

/** An emergency needs a reason: whoever reviews it later has to understand. */
function noEmergency({ breakGlass, comment, grant }: VoteAttempt): VoteRefusal | undefined {
  if (breakGlass === undefined) return undefined;
  if (grant !== undefined)
    return { code: "grant_too_wide", message: "What one approves alone in an emergency is for once only." };
  if (comment.trim() !== "") return undefined;
  return { code: "reason_required", message: "Say what the emergency is: whoever reviews it has to understand." };
}

/** A yes that brings nothing: somebody else has voted by the same right. */
function usedRight({ verdict }: VoteAttempt, before: Quorum, after: Quorum): VoteRefusal | undefined {
  if (verdict === "deny" || after.verdict !== "waiting" || agreed(after) > agreed(before)) return undefined;
  return { code: "already_voted", message: "Somebody has voted by the right that you would vote by; it counts once." };
}

function agreed({ requirements }: Quorum): number {
  const stages = requirements.flatMap((one) => one.stages.map(({ approved }) => approved));
  return stages.reduce((sum, one) => sum + one, requirements.filter(({ brokeGlass }) => brokeGlass).length);
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
