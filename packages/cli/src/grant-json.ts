import { Grant } from "@countersign/rpc";
import { grantState } from "./grant-text.ts";

/** A grant as `--json` prints it: the wire's JSON form, and where it stands in a word. */
export function grantJson(grant: Grant): Record<string, unknown> {
  const wire: unknown = Grant.toJSON(grant);
  // The wire leaves out what is zero or false.
  return { state: grantState(grant), active: grant.active, used: grant.used, ...(typeof wire === "object" ? wire : {}) };
}
