import { DocumentError, type PolicyStatusFeed } from "@countersign/policy";
import type { GuardedResource } from "@countersign/sidecar";
import type { Logger } from "pino";
import { placed } from "./policy-log.ts";

type Named = Pick<GuardedResource, "name" | "api">;

/**
 * Has the OpenAPI documents of every HTTP API read again where they have changed, and logs what becomes of it. What cannot be used leaves the last
 * good ones in force.
 */
export function reloadApis(resources: readonly Named[], log: Logger): void {
  for (const { name: resource, api } of resources) {
    try {
      if (api?.reload() === true)
        log.info({ resource, operations: api.current.operations?.length ?? 0 }, "other OpenAPI documents are in force");
    } catch (error) {
      const problems =
        error instanceof DocumentError ? error.problems.map(placed) : [error instanceof Error ? error.message : ""];
      log.error({ resource, problems }, "the changed OpenAPI documents cannot be used; the last good ones stay in force");
    }
  }
}

/** Has them read again whenever another policy is in force: rules and the names that they speak of change together. */
export async function reloadApisWith(
  policy: PolicyStatusFeed,
  resources: readonly Named[],
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let before: string | undefined;
  for await (const { digest } of policy.follow(signal)) {
    if (before !== undefined && before !== digest) reloadApis(resources, log);
    before = digest;
  }
}
