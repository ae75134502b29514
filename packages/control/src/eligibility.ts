import { type Approver, askedAfter, type ErrorCode, isNamedBy, mayBreakGlass, personOf } from "@countersign/policy";
import type { Ledger } from "./ledger.ts";
import { hasLapsed } from "./lifetime.ts";
import type { Locks } from "./locks.ts";
import type { People } from "./people.ts";
import type { RequestOverview } from "./stores/request-store.ts";
import { type Asked, isRequester, openedMs, turnOf } from "./tally.ts";

/** Why a vote is not taken. */
export interface VoteRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What decides who may decide. */
export interface EligibilityParts {
  readonly ledger: Ledger;
  readonly locks: Pick<Locks, "isLocked">;
  readonly people: People;
}

const refusals = {
  expired: { code: "expired", message: "Its time is up; nothing will run." },
  gone: { code: "not_an_approver", message: "You are not one of the configured approvers any more." },
  requester: {
    code: "requester_cannot_vote",
    message: "Whoever asks, owns the one who asks, or votes for one of these, cannot decide. Someone else has to.",
  },
  locked: { code: "approver_locked", message: "Your right to decide was taken back. Someone else has to decide." },
  voted: { code: "already_voted", message: "You have voted on this request; a vote is final." },
  later: { code: "stage_not_reached", message: "It is not your turn yet: people are asked before you who have not agreed." },
  never: { code: "not_an_approver", message: "The rules that hold this request do not ask you." },
  noEmergency: { code: "not_an_approver", message: "No rule that holds this request names you for emergencies." },
} as const satisfies Record<string, VoteRefusal>;

/** Who may decide on what, now: by the groups, names, delegations and locks of this moment, whatever was true at the sign-in. */
export class Eligibility {
  readonly #parts: EligibilityParts;

  constructor(parts: EligibilityParts) {
    this.#parts = parts;
  }

  /** Somebody as they are now; undefined when they are no approver any more. */
  asNow(approver: Approver): Approver | undefined {
    return this.#parts.people.asNow(approver);
  }

  /** Why this approver cannot vote on a request as it stands, as one of those asked or alone in an emergency; undefined when they can. */
  refusal(request: RequestOverview, approver: Approver, breakGlass = false): VoteRefusal | undefined {
    const { ledger } = this.#parts;
    if (request.state === "expired" || hasLapsed(request, ledger.now())) return refusals.expired;
    if (request.state !== "pending") return { code: "not_pending", message: `It is ${request.state} and takes no more votes.` };
    const voter = this.asNow(approver);
    if (voter === undefined) return refusals.gone;
    const partial = this.#partial(request, voter);
    if (partial !== undefined) return partial;
    if (request.votes.some((vote) => personOf(vote.approver) === personOf(voter))) return refusals.voted;
    const progress = ledger.progress(request, request.votes);
    if (breakGlass) {
      const may = progress.requirements.some((one) => !one.satisfied && mayBreakGlass(one.requirement, voter));
      return may ? undefined : refusals.noEmergency;
    }
    const turn = turnOf(progress, this.#able(voter), ledger.now());
    return turn === "now" ? undefined : refusals[turn];
  }

  /** Why somebody may not judge a request at all, whatever its state: the requester, the locked, and those whom no stage names. */
  cannotJudge(request: Asked, approver: Approver): VoteRefusal | undefined {
    const voter = this.asNow(approver);
    if (voter === undefined) return refusals.gone;
    const partial = this.#partial(request, voter);
    if (partial !== undefined) return partial;
    const { decision } = request;
    const requirements = decision.effect === "review" ? decision.approval.requirements : [];
    const stages = requirements.flatMap((one) => one.stages);
    const able = this.#able(voter);
    const named =
      stages.length === 0 ||
      requirements.some((one) => mayBreakGlass(one, able)) ||
      stages.some((stage) => isNamedBy(askedAfter(stage, Number.POSITIVE_INFINITY), able));
    return named ? undefined : refusals.never;
  }

  /** Not impartial, or locked. */
  #partial(request: Asked, voter: Approver): VoteRefusal | undefined {
    const { locks, people } = this.#parts;
    if (isRequester(request, people.partialSince(voter, openedMs(request)))) return refusals.requester;
    return locks.isLocked(voter) ? refusals.locked : undefined;
  }

  /** Without the rights of those who are locked: they count in nobody's hands. */
  #able(voter: Approver): Approver {
    const { actingFor, ...own } = voter;
    const able = (actingFor ?? []).filter((one) => !this.#parts.locks.isLocked(one));
    return able.length === 0 ? own : { ...own, actingFor: able };
  }
}
