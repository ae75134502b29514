import type { Action } from "./action.ts";
import type { Digest, Json } from "./canonical.ts";
import type { Allow, Review } from "./decision.ts";
import type { GrantUse } from "./grant/grant-use.ts";
import type { Outcome } from "./outcome.ts";
import type { PlanCourse } from "./plan-course.ts";
import type { RequestBinding, RequestState } from "./request.ts";
import type { Vote } from "./vote.ts";

/** Which request a new one takes the place of. */
export interface Predecessor {
  readonly requestId: string;
  /** What the caller is told, e.g. `The policy has changed.` */
  readonly why: string;
  /** The approver who changed the operation; absent = it is the same. */
  readonly editedBy?: string;
}

/** A request as the sidecar opens it. */
export interface RequestDraft {
  readonly binding: RequestBinding;
  readonly requestDigest: Digest;
  readonly action: Action;
  readonly decision: Allow | Review;
  /** What classification found, for the approver. */
  readonly facts: Json;
  /** The caller's verified claims, so that policy can be asked again after a restart. */
  readonly claims: Readonly<Record<string, Json>>;
  /** The subject that owns the caller, excluded from voting; from a configured claim. */
  readonly owner?: string;
  /** Random and secret: what hidden values are shown with. Absent in requests of before. Not part of what is signed or recorded. */
  readonly hidingSalt?: string;
  /** The agent's own words; untrusted. */
  readonly reason: string;
  /** The agent's run id; untrusted. */
  readonly session: string;
  readonly idempotencyKey?: string;
  /** Whether it outlives its caller. */
  readonly durable: boolean;
  /** The sidecar that opened it and alone may claim it. */
  readonly sidecar: string;
  /** Absent = a caller asked for it. */
  readonly replaces?: Predecessor;
  /** The use of a grant that approved it when it was opened; set by the control plane. Absent = people are asked. */
  readonly grant?: GrantUse;
}

/** A request as it stands. */
export interface RequestSnapshot extends RequestDraft {
  readonly state: RequestState;
  readonly createdMs: number;
  readonly changedMs: number;
  /** Until when it may be claimed; present from `approved` on. */
  readonly validUntilMs?: number;
  readonly votes: readonly Vote[];
  /** How far a plan has come; absent = none of its lines was begun. */
  readonly course?: PlanCourse;
  readonly outcome?: Outcome;
  /** Who or what caused the last change of state: an approver's subject, `sidecar`, `clock`, or the caller's subject. */
  readonly changedBy: string;
  /** Sequence of the last event. */
  readonly sequence: number;
}

/** Something that happened to a request. Sequences count from 1; result chunks take the numbers between `executing` and `ended`. */
export type RequestEvent = { readonly sequence: number; readonly timeMs: number } & (
  | { readonly type: "pending" }
  | { readonly type: "vote"; readonly vote: Vote }
  /** Nobody answered in time: these people are asked as well. */
  | { readonly type: "escalated"; readonly to: readonly string[] }
  | { readonly type: "approved"; readonly validUntilMs: number }
  | { readonly type: "executing" }
  | { readonly type: "ended"; readonly outcome: Outcome }
);

/** How a sidecar ends a request: a caller's cancel before the claim, or the outcome after it. */
export interface Settlement {
  readonly outcome: Outcome;
  /** Who or what caused it. */
  readonly by: string;
  /** How many result events went out between `executing` and this. */
  readonly resultEvents: number;
}

/** Which requests: one, or those of a sidecar that wait, are under way, or are in doubt. */
export type RequestFilter = { readonly id: string } | { readonly unfinishedOf: string };

/**
 * The requests of a control plane, as a sidecar sees them. Implemented in-process and, later, over gRPC.
 *
 * Every method throws {@link CountersignError}: `control_plane_unavailable` or `audit_unavailable` when nothing was changed because the
 * store or the log could not be written.
 */
export interface RequestBook {
  /**
   * Records and stores a request: `pending` for a review, `approved` for an allow. With an idempotency key that the same principal used
   * before it gives that request instead.
   *
   * @param grants - Ids of grants that cover it: the first that has a use to give approves it.
   * @throws {CountersignError} `idempotency_conflict` when that request is for another action.
   */
  open(draft: RequestDraft, grants?: readonly string[]): Promise<RequestSnapshot>;
  /**
   * Records and stores a request in the place of the one that it `replaces`, which ends in the same step: at no moment, whatever crashes, can
   * both still run. The old one keeps its idempotency key and points on to the new one.
   *
   * @throws {CountersignError} `not_pending` when the old one no longer waits or is not what was replaced.
   */
  replace(draft: RequestDraft, by: string): Promise<RequestSnapshot>;
  /** The requests that match. */
  list(filter: RequestFilter): Promise<readonly RequestSnapshot[]>;
  /** The events after a sequence, then new ones as they happen; ends after `ended`. */
  watch(id: string, afterSequence: number, signal: AbortSignal): AsyncIterable<RequestEvent>;
  /**
   * Takes the single-use permit: `approved → executing`, one compare-and-set. Gives the request with the votes that approved it.
   *
   * @throws {CountersignError} `expired`, `revoked`, `cancelled`, `digest_mismatch`, or `not_pending` when it was claimed before.
   */
  claim(id: string, requestDigest: Digest, sidecar: string): Promise<RequestSnapshot>;
  /**
   * Ends a request.
   *
   * @throws {CountersignError} `not_cancellable` when the transition table does not let it.
   */
  settle(id: string, settlement: Settlement): Promise<RequestSnapshot>;
  /**
   * Takes the single-use permit of one line of a plan, from 0: one compare-and-set. Gives the plan with the votes that approved it.
   *
   * @throws {CountersignError} as {@link claim}; `out_of_order` while lines before it have not succeeded; `not_pending` when it was begun
   * before; `denied` when it is struck out.
   */
  beginLine(id: string, requestDigest: Digest, sidecar: string, line: number): Promise<RequestSnapshot>;
  /**
   * Says how a line of a plan ended; the plan ends with its last line, and with one that did not succeed.
   *
   * @throws {CountersignError} `not_cancellable` when that line is not at work.
   */
  endLine(id: string, line: number, outcome: Outcome): Promise<RequestSnapshot>;
}
