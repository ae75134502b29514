import type { Outcome, PlanCourse, RequestDraft, RequestEvent, RequestSnapshot, RequestState, Vote } from "@countersign/policy";
import type { Likeness } from "../likeness.ts";

/** A request without its operation and facts, which may be large: what lists and votes need. */
export interface RequestOverview extends Omit<RequestSnapshot, "action" | "facts"> {
  readonly action: Omit<RequestSnapshot["action"], "operation">;
  /** The start of the operation as one safe line. */
  readonly headline: string;
  /** What others must have in common to be like it; absent where nothing is known of that. */
  readonly fingerprint?: string;
  /** Counts the changes of this request; a change names the revision that it was decided on. */
  readonly revision: number;
  /** When the clock has something to do about it, milliseconds since the Unix epoch; absent once nothing waits. */
  readonly wakeMs?: number;
  /** Up to when the people who are asked by time have been asked. */
  readonly escalatedMs: number;
}

/** A request whole. */
export interface StoredRequest extends RequestOverview {
  readonly action: RequestSnapshot["action"];
  readonly facts: RequestSnapshot["facts"];
}

/** A request to insert. */
export interface Opening {
  readonly draft: RequestDraft;
  readonly headline: string;
  readonly state: "pending" | "approved";
  readonly timeMs: number;
  /** Who or what caused it. */
  readonly by: string;
  /** Present when it opens approved. */
  readonly validUntilMs?: number;
  /** When the clock has something to do about it. */
  readonly wakeMs: number;
}

/** One change of one request: a vote, a new state, or both; or more people are asked. */
export interface Change {
  /** The state and revision that the change was decided on. Another change in between makes it void. */
  readonly from: RequestState;
  readonly revision: number;
  /** Absent when the state stays. */
  readonly to?: RequestState;
  readonly vote?: Vote;
  /** The people who are asked as well from now on; empty = nobody, but what time asks for has been done up to now. */
  readonly escalated?: readonly string[];
  /** When the clock has something to do next; null when it has not. */
  readonly wakeMs: number | null;
  readonly timeMs: number;
  readonly by: string;
  /** Present when it becomes approved. */
  readonly validUntilMs?: number;
  /** Present when it ends, or when a doubt about its end is resolved. */
  readonly outcome?: Outcome;
  /** How far a plan has come by it. */
  readonly course?: PlanCourse;
  /** Result events that took sequence numbers before this change. */
  readonly resultEvents?: number;
}

/** A state that a request has entered. */
export interface StateEntry {
  readonly state: RequestState;
  readonly timeMs: number;
  /** Who or what caused it. */
  readonly by: string;
}

/** What watchers are told of a request. A doubt that was resolved after the end is no event. */
export interface RequestJournal {
  readonly events: readonly RequestEvent[];
  /** Whether the request has ended. */
  readonly ended: boolean;
}

/** Names one request. */
export type RequestKey =
  | { readonly id: string }
  | { readonly issuer: string; readonly subject: string; readonly idempotencyKey: string };

/** A place in a list that is ordered newest first. */
export interface Position {
  readonly createdMs: number;
  readonly id: string;
}

/** The start of such a list. */
export const newest: Position = { createdMs: Number.MAX_SAFE_INTEGER, id: "" };

/** Which requests, and in which order. */
export type OverviewQuery =
  /** In one of these states, of one sidecar or all, newest first, older than a position. */
  | { readonly states: readonly RequestState[]; readonly sidecar?: string; readonly after?: Position }
  /** Those that are alike and have ended, older than a position, newest first. */
  | { readonly like: Likeness; readonly before: Position }
  /** Those that the clock has something to do about, the earliest first. */
  | { readonly order: "wake" }
  | { readonly ids: readonly string[] };

/**
 * Where requests live. Every method reads or writes in one transaction; a write is on disk when it resolves. Whatever implements it passes
 * `conformance.test.ts`.
 *
 * Every method throws {@link CountersignError} `control_plane_unavailable` when the store cannot be used, with nothing changed, and
 * `internal` when a stored request was altered from outside.
 */
export interface RequestStore {
  /**
   * Inserts a request; `taken` when its id, or its principal's idempotency key, is there already. With the ending of the request whose place it
   * takes both are done or neither: `overtaken` when that one is no longer at that state and revision.
   */
  insert(
    opening: Opening,
    replaced?: { readonly id: string; readonly change: Change },
  ): Promise<"inserted" | "taken" | "overtaken">;
  /**
   * Changes a request by compare-and-set; false when it is no longer at that state and revision, or that person has voted.
   *
   * @throws {IllegalTransition} for what the transition table does not have.
   */
  change(id: string, change: Change): Promise<boolean>;
  get(key: RequestKey): Promise<StoredRequest | undefined>;
  list(query: OverviewQuery, limit: number): Promise<readonly RequestOverview[]>;
  /** What happened after a sequence, oldest first. Undefined for an unknown request. */
  journal(id: string, afterSequence: number): Promise<RequestJournal | undefined>;
  /** The states that a request has entered, oldest first; none for an unknown one. */
  history(id: string): Promise<readonly StateEntry[]>;
}

/** A change of state that the transition table does not have: a defect of the caller, never of the data. */
export class IllegalTransition extends Error {
  override readonly name = "IllegalTransition";

  constructor(from: RequestState, to: RequestState) {
    super(`A request cannot go from ${from} to ${to}`);
  }
}
