import type { ASTNode } from "@marcbachmann/cel-js";
import { partRange } from "../policy/part-range.ts";
import type { Condition } from "../policy.ts";

/** What a condition says, as far as it takes to see that it holds whenever another one does. */
export type Claim =
  | { readonly op: "and" | "or"; readonly claims: readonly Claim[] }
  /** Its text without layout; the same text in the same policy gives the same. */
  | { readonly op: "test"; readonly text: string };

/** What always holds. */
const always: Claim = { op: "and", claims: [] };

/** What a condition says; without one it always holds. */
export function claimOf(condition: Condition | undefined): Claim {
  return condition ? claimIn(condition, condition.ast) : always;
}

function claimIn(condition: Condition, node: ASTNode): Claim {
  if (node.op === "&&" || node.op === "||") {
    const op = node.op === "&&" ? "and" : "or";
    return { op, claims: node.args.map((operand) => claimIn(condition, operand)) };
  }
  if (node.op === "value" && node.args === true) return always;
  const named =
    node.op === "." && node.args[0].op === "id" && node.args[0].args === "conditions"
      ? condition.conditions.get(node.args[1])
      : undefined;
  if (named) return claimOf(named);
  return { op: "test", text: textOf(condition, node) };
}

/** Constants are written out: the same name may be another constant elsewhere. */
function textOf(condition: Condition, node: ASTNode): string {
  const { start, end } = partRange(condition.text, node);
  const text = condition.text.slice(start, end).replace(/\s+/g, " ");
  const constants = [...text.matchAll(/\bvariables\.(\w+)/g)].map(([, name = ""]) => condition.constants.get(name));
  return constants.length === 0 ? text : `${text} ${JSON.stringify(constants)}`;
}

/**
 * Whether one holds whenever the other does. "No" may also mean that it cannot be seen: it looks at how the two are joined by `&&` and `||`,
 * not at what their tests mean.
 */
export function implies(from: Claim, to: Claim): boolean {
  if (from.op === "or") return from.claims.every((one) => implies(one, to));
  if (to.op === "and") return to.claims.every((one) => implies(from, one));
  if (from.op === "and" && from.claims.some((one) => implies(one, to))) return true;
  if (to.op === "or") return to.claims.some((one) => implies(from, one));
  return from.op === "test" && to.op === "test" && from.text === to.text;
}
