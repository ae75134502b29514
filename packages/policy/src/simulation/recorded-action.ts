import type { Operation, Principal } from "../action.ts";
import type { Decision, Limits, Requirement } from "../decision.ts";
import type { HttpApi } from "../facts/http/api.ts";
import type { Question } from "../policy/question.ts";

/** What was decided about an action when it was recorded, as far as its record says. */
export interface RecordedDecision {
  readonly effect: Decision["effect"];
  /** Empty = no rule: denied by default, or refused before any rule was asked. */
  readonly rules: readonly string[];
  readonly role?: string;
  readonly limits?: Limits;
  /** Of a review. */
  readonly requirements?: readonly Requirement[];
}

/** An action of the audit log. */
export interface RecordedAction {
  readonly operation: Operation;
  /** As it is configured now: its labels and roles are not recorded. */
  readonly resource: Question["resource"];
  /** The pinned search_path at that time, where the record has it. */
  readonly searchPath: readonly string[];
  /** http: what the API's requests are named by, as it is configured now. */
  readonly api?: HttpApi;
  readonly principal: Pick<Principal, "issuer" | "subject" | "groups">;
  readonly reason: string;
  /** When it was recorded, milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly was: RecordedDecision;
}
