import { Grant } from "@countersign/rpc";
import { grantState } from "./grant-text.ts";

/** A grant as `--json` prints it: the wire's JSON form, and where it stands in a word. */
export function grantJson(grant: Grant): Record<string, unknown> {
  const wire: unknown = Grant.toJSON(grant);
  return { state: grantState(grant), ...(typeof wire === "object" ? wire : {}) };
}
