import type { ProtocolName } from "../facts/protocols.ts";
import type { Condition } from "./condition.ts";
import { protocolOf } from "./environment.ts";
import type { RuleText } from "./rule-schema.ts";
import { type Selectable, selects } from "./selector.ts";

/** A rule ready to be decided by. */
export interface Rule extends RuleText {
  readonly condition?: Condition;
  /** The protocols whose facts its condition uses: it applies to their operations only. Empty = any. */
  readonly protocols: readonly ProtocolName[];
  /** Whether its condition looks at nothing but facts, so that the same facts always give the same answer. */
  readonly onlyFacts: boolean;
}

/** Joins a rule's text and its compiled condition. */
export function createRule(text: RuleText, condition: Condition | undefined): Rule {
  const uses = [...(condition?.uses ?? [])];
  const protocols = uses.flatMap((name) => protocolOf[name] ?? []);
  return {
    ...text,
    ...(condition ? { condition } : {}),
    protocols,
    onlyFacts: uses.every((name) => Object.hasOwn(protocolOf, name)),
  };
}

/** Whether a rule is about a resource at all. */
export function isAbout(rule: Rule, resource: Selectable): boolean {
  return rule.resources?.some((selector) => selects(selector, resource)) ?? true;
}
