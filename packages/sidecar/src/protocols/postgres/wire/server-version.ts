import { CountersignError } from "@countersign/policy";
import type { Lent, ParameterStatuses } from "../lent.ts";

/** The major version that a server reports, e.g. 18; undefined when it says none. */
export function versionOf(statuses: ParameterStatuses): number | undefined {
  const version = Number.parseInt(statuses.get("server_version") ?? "", 10);
  return Number.isNaN(version) ? undefined : version;
}

/**
 * Makes sure that a session is of the version that its client was greeted with: by that its statements are read, and a function of a newer server
 * may be anybody's on an older one.
 *
 * @throws {CountersignError} `target_unavailable`, retryable: who connects again is greeted anew.
 */
export function requireVersion({ statuses }: Pick<Lent, "statuses">, greeted: ParameterStatuses): void {
  if (versionOf(statuses) === versionOf(greeted)) return;
  const message = "The database's version has changed since you connected. Connect again.";
  throw new CountersignError("target_unavailable", message, { retryable: true });
}
