import type { PolicyStatus, PolicyStatusFeed, Problem } from "@countersign/policy";
import type { Logger } from "pino";

/** Logs what becomes of the policy's files: a policy that is in force, and why one is not. */
export async function logPolicy(feed: PolicyStatusFeed, log: Logger, signal: AbortSignal): Promise<void> {
  let before: PolicyStatus | undefined;
  for await (const status of feed.follow(signal)) {
    const { digest, rules, failure, warnings } = status;
    if (failure !== undefined)
      log.error(
        { digest, problems: failure.problems.map(placed) },
        "the changed policy cannot be used; the last good one stays in force",
      );
    else if (before !== undefined && before.digest !== digest)
      log.info({ digest, previous: before.digest, rules }, "another policy is in force");
    else if (before?.failure !== undefined)
      log.info({ digest }, "the policy's files can be used again; they say what is in force");
    const known = new Set(before?.warnings.map(placed));
    for (const warning of warnings.map(placed)) if (!known.has(warning)) log.warn(`policy: ${warning}`);
    before = status;
  }
}

/** A problem as compilers print it. */
export function placed({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}
