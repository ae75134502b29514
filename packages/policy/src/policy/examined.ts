import type { RuleSummary } from "./rule.ts";

/** What became of one rule when one operation was decided. */
export type RuleResult =
  /** It counts: its condition holds, or it has none. */
  | "matched"
  /** Its condition does not hold. */
  | "not_matched"
  /** Its condition could not be evaluated, so that it denies. */
  | "failed"
  | "other_resource"
  | "other_protocol"
  /** An `allow` whose condition holds, but which does not cover what is not fully understood. */
  | "opaque"
  /** An `allow` or `review` whose condition holds, but does not look at all that must be named for it to cover such an operation; a `review` then denies. */
  | "unnamed"
  /** An `allow` whose condition holds for several statements together: only each of them alone can be allowed. */
  | "only_parts_count";

/** One rule and what became of it. */
export interface Examined {
  readonly rule: RuleSummary;
  readonly result: RuleResult;
  /** Why it `failed`. */
  readonly error?: string;
  /** The facts that its condition would have to look at, when `unnamed`. */
  readonly unnamed?: readonly string[];
}
