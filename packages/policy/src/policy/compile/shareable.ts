import type { ASTNode } from "@marcbachmann/cel-js";
import { childrenOf } from "../syntax.ts";
import type { Context } from "./context.ts";

/** Methods that take long enough to be worth remembering. */
const slow: ReadonlySet<string> = new Set([
  "all",
  "exists",
  "exists_one",
  "map",
  "filter",
  "matches",
  "contains",
  "split",
  "join",
  "lowerAscii",
  "upperAscii",
]);

/** Whether a part is worth evaluating once only, and means the same wherever it stands: it does not look at the elements of loops around it. */
export function isShareable(node: ASTNode, elements: readonly string[]): boolean {
  return node.op === "rcall" && slow.has(node.args[0]) && !mentions(node, elements);
}

/** What the part is known by: its text, together with what names in it stand for. */
export function keyOf(node: ASTNode, { text, scope }: Pick<Context, "text" | "scope">): string {
  const own = text.slice(node.start, node.end);
  return /\b(variables|conditions)\b/.test(own) ? `${scope}\n${own}` : own;
}

function mentions(node: ASTNode, names: readonly string[]): boolean {
  if (names.length === 0) return false;
  if (node.op === "id") return names.includes(node.args);
  return childrenOf(node).some((child) => mentions(child, names));
}
