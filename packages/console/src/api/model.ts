import type * as rpc from "@countersign/rpc";

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
export type Summary = Readonly<Omit<rpc.RequestSummary, "state" | "principal"> & { state: State; principal: Principal }>;

/** One bind value. NULL, the empty text and binary bytes are three different things. */
export type Parameter =
  | { readonly type: "null" }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "binary"; readonly value: Uint8Array };

/** What is to be done. A kind that this page cannot show whole is a decoding error: it cannot be approved here. */
export type Operation = {
  readonly kind: "postgres.query";
  readonly statement: string;
  readonly parameters: readonly Parameter[];
};

/** One stage of approval. */
export type Stage = Readonly<rpc.Stage>;

/** What one rule asks for. */
export type Requirement = Readonly<rpc.Requirement>;

/** A recorded vote. */
export type CastVote = Readonly<Omit<rpc.CastVote, "approver" | "verdict"> & { approver: Principal; verdict: Verdict }>;

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
  Omit<rpc.RequestDetail, "summary" | "operation" | "limits" | "requirements" | "votes" | "outcome" | "history"> & {
    summary: Summary;
    operation: Operation;
    limits: Limits;
    requirements: readonly Requirement[];
    votes: readonly CastVote[];
    outcome: Outcome | undefined;
    history: readonly StateChange[];
  }
>;

/** A place in a policy file, and what is wrong there. */
export type PolicyProblem = Readonly<rpc.PolicyProblem>;

/** Which policy is in force, and why what its files say now is not; `failingSinceMs` 0 = it is. */
export type PolicyStatus = Readonly<Omit<rpc.PolicyStatus, "problems" | "warnings"> & { problems: readonly PolicyProblem[] }>;

/** Who is signed in. */
export type Session = Readonly<{ approver: Principal; expiresMs: number }>;

/** One page of a list. */
export type Page = Readonly<{ requests: readonly Summary[]; nextPageToken: string }>;
