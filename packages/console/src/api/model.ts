import type * as rpc from "@countersign/rpc";
import type { Operation, Parameter } from "./operation.ts";

// What the pages work with: the wire messages of @countersign/rpc with enums as words and every part present. They are derived from the
// generated types, so that a change of the contract is a compile error in decode.ts and not a blank field on an approver's screen.

/** Names of a generated enum that carry meaning, in lower case. */
type Word<Enum> = Lowercase<Exclude<keyof Enum & string, "UNSPECIFIED" | "UNRECOGNIZED">>;

/** Where a request stands. */
export type State = Word<typeof rpc.RequestState>;

/** Yes or no. */
export type Verdict = Word<typeof rpc.Verdict>;

/** Who: an agent or a person. */
export type Principal = Readonly<rpc.Principal>;

/** Bounds on a result; 0 = not limited by policy. */
export type Limits = Readonly<rpc.Limits>;

/** A request in a list. Times are milliseconds since the Unix epoch. */
export type Summary = Readonly<
  Omit<rpc.RequestSummary, "state" | "principal" | "reminded"> & {
    state: State;
    principal: Principal;
    /** Until when the review of an emergency should be closed; absent = none is open. */
    reviewDueMs: number | undefined;
    reminded: number;
  }
>;

/** One stage of approval. */
export type Stage = Readonly<rpc.Stage>;

/** What one rule asks for. */
export type Requirement = Readonly<rpc.Requirement>;

/** A recorded vote. */
export type CastVote = Readonly<
  Omit<rpc.CastVote, "approver" | "verdict" | "grant"> & {
    approver: Principal;
    verdict: Verdict;
    grant: GrantTerms | undefined;
  }
>;

/** What a value of a grant's template may be. */
export type Bound =
  | { readonly type: "any" }
  | { readonly type: "prefix"; readonly prefix: string }
  | { readonly type: "one-of"; readonly values: readonly string[] }
  /** Two decimal numbers, both included; as text, because they may be larger than a number of this page. */
  | { readonly type: "range"; readonly min: string; readonly max: string };

/** A bound on one value; a value without one must be the approved one. */
export type ValueBound = Readonly<{ value: string; bound: Bound }>;

/** What a standing approval is for. */
export type GrantTerms = Readonly<Omit<rpc.GrantTerms, "bounds"> & { bounds: readonly ValueBound[] }>;

/** One value that a bound can be given for. */
export type GrantValue = Readonly<{ name: string; value: Parameter }>;

/** Bounds on a grant that a vote may be turned into. */
export type GrantBounds = Readonly<Omit<rpc.GrantBounds, "values"> & { values: readonly GrantValue[] }>;

/** A standing approval. */
export type Grant = Readonly<Omit<rpc.Grant, "principal" | "terms"> & { principal: Principal; terms: GrantTerms }>;

/** One page of grants. */
export type GrantPage = Readonly<{ grants: readonly Grant[]; nextPageToken: string }>;

/** One value of a row, as PostgreSQL's text form; null = NULL. */
export type Cell = string | null;

/** One row that would change: `before` is empty for a new row or where it is not known, `after` for one that goes. */
export type RowChange = Readonly<
  Omit<rpc.RowChange, "columns" | "before" | "after"> & {
    columns: readonly string[];
    before: readonly Cell[];
    after: readonly Cell[];
  }
>;

/** One field that would be different: `before` is absent for a new one, `after` for one that goes. */
export type FieldChange = Readonly<{ path: string; before: string | undefined; after: string | undefined }>;

/** The fields that would be different, and how many more there are. */
export type FieldChanges = Readonly<{ fields: readonly FieldChange[]; more: number }>;

/** What an operation would do, as far as that could be found out; a failure is not "no effect". */
export type Evidence = Readonly<
  Omit<rpc.Evidence, "sample" | "estimatedRows" | "affectedRows" | "changes"> & {
    sample: readonly RowChange[];
    /** Absent = it was not tried, which is not the same as no change. */
    changes: FieldChanges | undefined;
    estimatedRows: number | undefined;
    affectedRows: number | undefined;
  }
>;

/** How an earlier request with the same fingerprint ended. */
export type PastDecision = Readonly<Omit<rpc.PastDecision, "state"> & { state: State }>;

/** How a bind value in binary format reads. */
export type ParameterReading = Readonly<rpc.ParameterReading>;

/** One line of a plan. */
export type PlanLine = Readonly<Omit<rpc.PlanLine, "operation" | "state"> & { operation: Operation; state: State }>;

/** What is locked. */
export type LockTarget =
  | { readonly type: "principal"; readonly issuer: string; readonly subject: string }
  | { readonly type: "approver"; readonly subject: string }
  | { readonly type: "resource"; readonly resource: string };

/** A lock in force. */
export type ActiveLock = Readonly<Omit<rpc.ActiveLock, "target"> & { target: LockTarget }>;

/** A right to vote that was given for a time. */
export type Delegation = Readonly<rpc.Delegation>;

/** The review that an emergency requires; `closedBy` is empty while it is open. */
export type EmergencyReview = Readonly<rpc.EmergencyReview>;

/** One change of a request's state. */
export type StateChange = Readonly<Omit<rpc.StateChange, "state"> & { state: State }>;

/** Why something did not succeed. */
export type ErrorInfo = Readonly<rpc.ErrorInfo>;

/** How a request ended. */
export type Outcome = Readonly<
  Omit<rpc.Outcome, "state" | "error" | "receipt"> & {
    state: State;
    error: ErrorInfo | undefined;
    /** Zero-based index of the outcome's record in the audit log; absent when there is no receipt. */
    logIndex: number | undefined;
  }
>;

/** Everything that an approver needs to decide. */
export type Detail = Readonly<
  Omit<rpc.RequestDetail, keyof DetailParts> & {
    [Part in keyof DetailParts]: DetailParts[Part];
  }
>;

interface DetailParts {
  summary: Summary;
  /** Absent for a plan, whose lines hold what is to be done. */
  operation: Operation | undefined;
  limits: Limits;
  requirements: readonly Requirement[];
  votes: readonly CastVote[];
  outcome: Outcome | undefined;
  history: readonly StateChange[];
  grants: GrantBounds | undefined;
  evidence: Evidence | undefined;
  past: readonly PastDecision[];
  parameterReadings: readonly ParameterReading[];
  /** In order; empty for a single action. */
  plan: readonly PlanLine[];
}

/** A place in a policy file, and what is wrong there. */
export type PolicyProblem = Readonly<rpc.PolicyProblem>;

/** Which policy is in force, and why what its files say now is not; `failingSinceMs` 0 = it is. */
export type PolicyStatus = Readonly<Omit<rpc.PolicyStatus, "problems" | "warnings"> & { problems: readonly PolicyProblem[] }>;

/** Who is signed in. */
export type Session = Readonly<{ approver: Principal; expiresMs: number }>;

/** One page of a list. */
export type Page = Readonly<{ requests: readonly Summary[]; nextPageToken: string }>;
