import type { Problem } from "../problem.ts";
import type { RuleSummary } from "./rule.ts";

/** What rules ask for that this version does not do. */
export interface Unenforced {
  /** The rule would be weaker than it says: do not start with such a policy. */
  readonly refused: readonly Problem[];
  /** The rule is stricter than it says: safe, but somebody may wait in vain. */
  readonly warnings: readonly Problem[];
}

/** What the rules of a policy ask for that the sidecar and control plane of this version do not do, each with the rule's place. */
export function unenforced({ rules }: { readonly rules: readonly RuleSummary[] }): Unenforced {
  const refused: Problem[] = [];
  const warnings: Problem[] = [];
  for (const { id, file, line, column, approval } of rules) {
    const at = (message: string): Problem => ({ file, line, column, message: `the rule ${id} ${message}` });
    if (approval?.signature === "passkey")
      refused.push(at("asks for votes that are signed with a passkey, which this version does not collect yet; take it out"));
  }
  return { refused, warnings };
}
