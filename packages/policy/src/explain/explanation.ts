import type { Digest, Json } from "../canonical.ts";
import type { Examined, RuleSummary } from "../policy.ts";
import type { Answer } from "./answer.ts";

/** A value that a condition looked at, as JSON. Dates are ISO 8601; long texts, lists and mappings are cut. */
export interface SeenValue {
  /** As the condition writes it: `sql.tables`, `resource.labels.env`, `t`. */
  readonly name: string;
  /** Absent when it is not there (a label, a claim) or cannot be told. */
  readonly value?: Json;
  /** How many characters, elements or entries it has, where `value` is cut. */
  readonly size?: number;
}

/** How a part of a condition came out; `skipped` = not evaluated, because what stands before it had decided. */
export type PartState = "true" | "false" | "error" | "skipped";

/** A condition or a part of it. */
export interface ConditionPart {
  /** `test`: what has no logical structure of its own. `named`: a condition of `conditions`. `loop`: `exists`, `all`, `exists_one`. */
  readonly kind: "and" | "or" | "not" | "choice" | "loop" | "named" | "test";
  /** As its author wrote it. */
  readonly text: string;
  readonly file: string;
  /** From 1. Where YAML folds or escapes the text: where the whole condition begins. */
  readonly line: number;
  readonly column: number;
  readonly state: PartState;
  /** Why it could not be evaluated. */
  readonly error?: string;
  /** Whether the condition's result rests on it: had it come out otherwise, so might the condition. */
  readonly decisive: boolean;
  /** What a `test` or `loop` looked at. */
  readonly seen?: readonly SeenValue[];
  /** Which kind of `loop`. */
  readonly quantifier?: "exists" | "all" | "exists_one";
  /** The element by which a `loop` was decided; `parts` then shows the loop's condition at this element. */
  readonly element?: SeenValue;
  /** Operands in their order; of a `choice` the question, then both answers. */
  readonly parts?: readonly ConditionPart[];
}

/** A part by which a condition was decided, and how to say so. */
export interface Reason extends Pick<ConditionPart, "text" | "file" | "line" | "column" | "state"> {
  /** In words: `sql.readOnly is false`. */
  readonly says: string;
}

/** What became of one rule, and why. */
export interface ExplainedRule
  extends Pick<RuleSummary, "id" | "description" | "effect" | "file" | "line" | "column" | "resources"> {
  readonly result: Examined["result"];
  /** Whether it is one of the rules that made the decision. */
  readonly decided: boolean;
  /** In words why it came out so. */
  readonly because: string;
  /** The parts of its condition that decided; empty when it was not looked at, or there is none. */
  readonly reasons: readonly Reason[];
  /** Absent when it was not looked at, or there is none. */
  readonly condition?: ConditionPart;
}

/** What policy says about one operation, and why: an {@link Answer} with every rule, by id. */
export interface Explanation extends Omit<Answer, "parts"> {
  readonly policyDigest: Digest;
  /** Empty when classification refused the operation: no rule was asked. */
  readonly examined: readonly ExplainedRule[];
  /** Of each statement or command alone; empty when there is but one. The strictest counts. */
  readonly parts: readonly Explanation[];
}
