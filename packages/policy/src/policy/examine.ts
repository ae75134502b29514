import { subjectOf } from "../facts.ts";
import { Budget, OutOfSteps } from "./compile/scope.ts";
import { scopeOf } from "./compile/values.ts";
import { type Match, unnamed } from "./decide.ts";
import type { Examined } from "./examined.ts";
import { matchRule } from "./matching.ts";
import type { Question } from "./question.ts";
import { isAbout, type Rule } from "./rule.ts";

/**
 * What becomes of one rule: about the whole operation, or about one of its statements alone. Each rule has the whole budget to itself: that
 * all rules together are out of steps is what the decision says.
 */
export function examineRule(rule: Rule, question: Question, part: number | undefined): Examined {
  const { protocol, whole, parts } = subjectOf(question.facts);
  const facts = part === undefined ? whole : parts?.[part];
  if (facts === undefined) throw new RangeError(`the operation has no statement ${part}`);
  if (!isAbout(rule, question.resource)) return { rule, result: "other_resource" };
  if (!rule.protocols.every((name) => name === question.facts.protocol)) return { rule, result: "other_protocol" };
  let match: Match | undefined;
  try {
    match = matchRule(rule, scopeOf(question, facts, new Budget()));
  } catch (error) {
    if (!(error instanceof OutOfSteps)) throw error;
    return { rule, result: "failed", error: error.message };
  }
  if (!match) return { rule, result: "not_matched" };
  if (match.error !== undefined) return { rule, result: "failed", error: match.error };
  if (rule.effect === "deny") return { rule, result: "matched" };
  if (rule.effect === "allow" && parts && part === undefined) return { rule, result: "only_parts_count" };
  const missing = unnamed(rule, facts, protocol);
  if (missing.length > 0) return { rule, result: "unnamed", unnamed: missing };
  if (rule.effect === "review") return { rule, result: "matched" };
  return { rule, result: facts.opaque && !rule.opaque ? "opaque" : "matched" };
}
