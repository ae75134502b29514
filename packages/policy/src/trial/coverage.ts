import type { Decision } from "../decision.ts";
import { subjectOf } from "../facts.ts";
import type { Policy } from "../policy.ts";
import type { Verdict } from "./expectation.ts";
import type { TrialResult } from "./run-trials.ts";

/** How much of a policy its tests put to the proof. Lists of ids are sorted. */
export interface Coverage {
  /** Rules that made the decision of at least one test. */
  readonly decided: readonly string[];
  /** Rules that matched, but a stricter one decided each time. */
  readonly outdone: readonly string[];
  /** Rules that never matched. */
  readonly unmatched: readonly string[];
  /** Of all rules, those that decided; 0 to 100, 100 for a policy without rules. */
  readonly percent: number;
}

/** Which rules the tests of a policy, all of them together, put to the proof. */
export function coverageOf(policy: Policy, results: readonly TrialResult[]): Coverage {
  const effects = new Map(policy.rules.map(({ id, effect }) => [id, effect]));
  const decided = new Set(results.flatMap(({ verdict }) => deciding(verdict, effects)));
  const matched = new Set(results.flatMap((result) => matching(policy, result)));
  const ids = policy.rules.map(({ id }) => id).sort();
  const rest = ids.filter((id) => !decided.has(id));
  return {
    decided: ids.filter((id) => decided.has(id)),
    outdone: rest.filter((id) => matched.has(id)),
    unmatched: rest.filter((id) => !matched.has(id)),
    percent: ids.length === 0 ? 100 : ((ids.length - rest.length) / ids.length) * 100,
  };
}

/** A rule that denies because it could not be evaluated, or for want of a reason, has not shown what it is there for. */
function deciding(verdict: Verdict, effects: ReadonlyMap<string, Decision["effect"]>): readonly string[] {
  return "error" in verdict ? [] : verdict.decision.rules.filter((id) => effects.get(id) === verdict.decision.effect);
}

function matching(policy: Policy, { question }: TrialResult): readonly string[] {
  if (question === undefined) return [];
  const parts = subjectOf(question.facts).parts?.map((_, index) => index) ?? [];
  return [undefined, ...parts].flatMap((part) =>
    policy.examine(question, part).flatMap(({ rule, result }) => (result === "matched" ? [rule.id] : [])),
  );
}
