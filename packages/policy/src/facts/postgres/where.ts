import { isTree, listOf, type Tree, unwrap } from "./tree.ts";

/**
 * Whether a condition leaves anything out, as far as its form shows: it looks at a column, and no arm of an OR is constant
 * (`true`, `1=1`, `$1`) or compares a column with itself. What depends on data (`id > 0`) is not seen.
 */
export function narrows(condition: unknown): boolean {
  const found = unwrap(condition);
  if (!found) return false;
  const { kind, node } = found;
  if (kind === "BoolExpr") {
    const parts = listOf(node.args);
    if (node.boolop === "OR_EXPR") return parts.every(narrows);
    if (node.boolop === "AND_EXPR") return parts.some(narrows);
  }
  if (kind === "A_Expr" && sameText(node.lexpr, node.rexpr)) return false;
  return looksAtData(condition);
}

/** Whether a SELECT, or every arm of a UNION, has a condition that narrows it. */
export function selectNarrows(select: Tree): boolean {
  if (isTree(select.larg) && isTree(select.rarg)) return selectNarrows(select.larg) && selectNarrows(select.rarg);
  return narrows(select.whereClause);
}

function looksAtData(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(looksAtData);
  if (!isTree(value)) return false;
  if ("ColumnRef" in value || "CurrentOfExpr" in value) return true;
  return Object.values(value).some(looksAtData);
}

function sameText(left: unknown, right: unknown): boolean {
  return unwrap(left)?.kind === unwrap(right)?.kind && text(left) === text(right);
}

function text(value: unknown): string | undefined {
  return JSON.stringify(value, (key, inner: unknown) => (key === "location" ? undefined : inner));
}
