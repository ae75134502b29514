import type { PolicyStatus, Problem } from "@countersign/policy";
import type * as rpc from "@countersign/rpc";

/** The policy's status as approvers see it. */
export function policyMessage({ digest, sinceMs, version = 0, rules, failure, warnings }: PolicyStatus): rpc.PolicyStatus {
  return {
    policyDigest: digest,
    ...{ sinceMs, version, rules },
    failingSinceMs: failure?.sinceMs ?? 0,
    problems: failure?.problems.map(problemMessage) ?? [],
    warnings: warnings.map(problemMessage),
  };
}

function problemMessage({ file, line, column, message }: Problem): rpc.PolicyProblem {
  return { file, line, column, message };
}
