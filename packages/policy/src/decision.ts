import type { Digest } from "./canonical.ts";

/** Bounds enforced on a result while it streams; absent = not limited by policy. */
export interface Limits {
  readonly rows?: number;
  readonly bytes?: number;
  /** From dispatch to the end of the result. */
  readonly timeMs?: number;
  /** What the caller does not see, sorted: columns as `schema.table.column`, values of a JSON answer as `/customers/0/email`. */
  readonly masks?: readonly string[];
}

/** People who are asked as well when a stage has waited for long. Nothing is approved by time passing, and the count stays. */
export interface Escalation {
  /** From the moment that the stage began to wait, milliseconds. */
  readonly afterMs: number;
  /** `group:NAME` or `user:SUBJECT`. */
  readonly to: readonly string[];
}

/** One stage of approval: `count` distinct people among `approvers`. */
export interface Stage {
  /** `group:NAME` or `user:SUBJECT`. */
  readonly approvers: readonly string[];
  readonly count: number;
  /** By time, earliest first; absent = nobody is added. */
  readonly escalate?: readonly Escalation[];
}

/** Who may approve alone in an emergency, and by when others must have looked at it. */
export interface BreakGlass {
  /** `group:NAME` or `user:SUBJECT`. */
  readonly approvers: readonly string[];
  /** From the vote to the end of the review, milliseconds. */
  readonly reviewWithinMs: number;
}

/** What one `review` rule asks for. Stages are satisfied in order. */
export interface Requirement {
  readonly rule: string;
  readonly stages: readonly Stage[];
  /** Absent = nobody approves alone. */
  readonly breakGlass?: BreakGlass;
}

/** When and how a held action may be approved: every matching `review` rule's requirement, and the strictest times among them. */
export interface Approval {
  readonly requirements: readonly Requirement[];
  /** How long it may wait, milliseconds. */
  readonly expiresMs: number;
  /** From approval to dispatch, milliseconds. */
  readonly validForMs: number;
  readonly justification: "required" | "optional";
  /** What votes must be signed with; absent = `session`: being signed in is enough. */
  readonly signature?: "session" | "passkey";
  /** What is found out about it before anybody votes; absent = `plan`: what the target means to do, without doing it. */
  readonly evidence?: "effect" | "none";
  /** `unseen`: data that a client streams to the operation is not shown to approvers; absent = it is captured and bound, or refused. */
  readonly input?: "unseen";
  /** Within which bounds an approver may turn the vote into a standing grant; absent = not at all. */
  readonly grants?: GrantBounds;
}

/** What a standing approval may be at most. */
export interface GrantBounds {
  readonly maxUses: number;
  readonly maxTtlMs: number;
}

/** What every decision says. */
interface Decided {
  /** Ids of the rules that made it, sorted; empty = nothing matched (default deny). */
  readonly rules: readonly string[];
  readonly policyDigest: Digest;
  /** What the agent is told; for a denial always present. */
  readonly message?: string;
}

/** A rule lets the action run. */
export interface Allow extends Decided {
  readonly effect: "allow";
  readonly role: string;
  readonly limits: Limits;
  /** What was decided on each line of a plan, in order; absent = it is no plan. */
  readonly lines?: readonly LineDecision[];
}

/** The action is refused. */
export interface Deny extends Decided {
  readonly effect: "deny";
  readonly message: string;
}

/** A person has to agree. */
export interface Review extends Decided {
  readonly effect: "review";
  readonly role: string;
  readonly limits: Limits;
  readonly approval: Approval;
  /** What was decided on each line of a plan, in order; absent = it is no plan. */
  readonly lines?: readonly LineDecision[];
}

/** What was decided on one line of a plan, by the policy that decided on the plan. */
export type LineDecision = Omit<Allow, "policyDigest" | "lines"> | Omit<Review, "policyDigest" | "lines">;

/** What policy says about one operation. */
export type Decision = Allow | Deny | Review;
