import { classify } from "../facts.ts";
import { CountersignError } from "../outcome.ts";
import type { Question } from "../policy/question.ts";
import type { Policy } from "../policy.ts";
import { type Difference, differencesOf, type Verdict } from "./expectation.ts";
import type { Trial } from "./read-trials.ts";

/** How one test came out. */
export interface TrialResult {
  readonly trial: Trial;
  /** Empty when it passed. */
  readonly differences: readonly Difference[];
  readonly verdict: Verdict;
  /** What policy was asked; absent when classification refused the operation. */
  readonly question?: Question;
}

/**
 * Runs policy tests. `loadParser` must have finished once before.
 *
 * @param policy the rules under test.
 */
export function runTrials(policy: Policy, trials: readonly Trial[]): readonly TrialResult[] {
  const named = [...new Set(policy.rules.flatMap(({ role }) => role ?? []))].sort();
  // Where no rule names a role, resources have one.
  const roles = named.length > 0 ? named : ["default"];
  return trials.map((trial) => runTrial(policy, trial, roles));
}

function runTrial(policy: Policy, trial: Trial, roles: readonly string[]): TrialResult {
  const { operation, searchPath, api, principal, reason, nowMs, expected } = trial;
  try {
    const facts = classify(operation, { searchPath, unbound: true, ...(api && { http: api }) });
    const question = { resource: { roles, ...trial.resource }, principal, facts, reason, nowMs };
    const verdict = { decision: policy.decide(question), facts };
    return { trial, differences: differencesOf(expected, verdict), verdict, question };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { trial, differences: differencesOf(expected, { error }), verdict: { error } };
  }
}
