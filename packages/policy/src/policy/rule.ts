import type { Approval, BreakGlass, Decision, Limits, Stage } from "../decision.ts";
import type { ProtocolName } from "../facts/protocols.ts";
import type { Part } from "./compile/scope.ts";
import type { Condition } from "./condition.ts";
import { type Selectable, selects } from "./selector.ts";

/** Who approves, and how: one `review` rule's `approval`. */
export interface RuleApproval extends Omit<Approval, "requirements"> {
  readonly stages: readonly Stage[];
  /** Who may approve alone in an emergency; absent = nobody. */
  readonly breakGlass?: BreakGlass;
}

/** A rule as its file says it. */
export interface RuleSummary {
  readonly id: string;
  readonly file: string;
  /** Where it begins, from 1. */
  readonly line: number;
  readonly column: number;
  readonly description?: string;
  readonly effect: Decision["effect"];
  /** Selectors; absent = every resource. */
  readonly resources?: readonly string[];
  /** Absent = it holds for every operation. Its text is `condition.text`. */
  readonly condition?: Condition;
  /** The protocol whose facts its condition uses: it applies to that protocol's operations only. Empty = any. */
  readonly protocols: readonly ProtocolName[];
  readonly role?: string;
  readonly limits: Limits;
  /** Present for `review`. */
  readonly approval?: RuleApproval;
  /** Whether an `allow` covers what is not fully understood. */
  readonly opaque: boolean;
  /** What the agent is told. */
  readonly message?: string;
  /** Whether it is left out of what agents can see. */
  readonly private: boolean;
}

/** A rule ready to be decided by. */
export interface Rule extends RuleSummary {
  /** Its condition, ready to run. */
  readonly part?: Part;
  /** What its condition looks at, at most: facts and the resource; also who asks, why and for which role; or also the clock. */
  readonly looksAt: "facts" | "caller" | "clock";
}

/** Whether a rule is about a resource at all. */
export function isAbout(rule: RuleSummary, resource: Selectable): boolean {
  return rule.resources?.some((selector) => selects(selector, resource)) ?? true;
}
