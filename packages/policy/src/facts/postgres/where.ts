import { isTree, listOf, nodeOf, type Tree, textOf, unwrap } from "./tree.ts";

/**
 * Whether a condition leaves anything out, as far as its form shows: it looks at a column, no arm of an OR is constant (`true`, `1=1`,
 * `$1`) or compares a column with itself, and no two arms add up to everything. What depends on data (`id > 0`) is not seen.
 */
export function narrows(condition: unknown): boolean {
  const found = unwrap(condition);
  if (!found) return false;
  const { kind, node } = found;
  if (kind === "BoolExpr") {
    const parts = listOf(node.args);
    if (node.boolop === "OR_EXPR") return parts.every(narrows) && !complementary(parts);
    if (node.boolop === "AND_EXPR") return parts.some(narrows);
  }
  if (kind === "A_Expr" && (isReflexive(node) || matchesAnyText(node))) return false;
  return looksAtData(condition);
}

/** Whether a SELECT, or every arm of a UNION, has a condition that narrows it. */
export function selectNarrows(select: Tree): boolean {
  if (isTree(select.larg) && isTree(select.rarg)) return selectNarrows(select.larg) && selectNarrows(select.rarg);
  return narrows(select.whereClause);
}

/** Whether every row that MERGE changes meets a condition: those that no row of the source matches do so only by one of their own. */
export function mergeNarrows(merge: Tree): boolean {
  return (
    narrows(merge.joinCondition) &&
    listOf(merge.mergeWhenClauses).every((item) => {
      const clause = nodeOf(item, "MergeWhenClause");
      const unmatched = clause?.matchKind === "MERGE_WHEN_NOT_MATCHED_BY_SOURCE" && clause.commandType !== "CMD_NOTHING";
      return !unmatched || narrows(clause.condition);
    })
  );
}

/** A sub-select that is not compared with a column says something about a row only by its own condition. */
function looksAtData(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(looksAtData);
  if (!isTree(value)) return false;
  if ("ColumnRef" in value || "CurrentOfExpr" in value) return true;
  const sublink = nodeOf(value, "SubLink");
  if (sublink) return looksAtData(sublink.testexpr) || selectNarrows(nodeOf(sublink.subselect, "SelectStmt") ?? {});
  return Object.values(value).some(looksAtData);
}

/** `id = id`, `id in (1, id)`, `id between id and 5`. */
function isReflexive({ lexpr, rexpr }: Tree): boolean {
  if (sameText(lexpr, rexpr)) return true;
  return listOf(nodeOf(rexpr, "List")?.items).some((item) => sameText(lexpr, item));
}

/** `name like '%'`. */
function matchesAnyText({ kind, name, rexpr }: Tree): boolean {
  if (kind !== "AEXPR_LIKE" && kind !== "AEXPR_ILIKE") return false;
  const pattern = nodeOf(rexpr, "A_Const")?.sval;
  const isNegated = textOf(nodeOf(listOf(name)[0], "String")?.sval).startsWith("!");
  return !isNegated && isTree(pattern) && /^%+$/.test(textOf(pattern.sval));
}

/** `a or not a`, `a is null or a is not null`. */
function complementary(parts: readonly unknown[]): boolean {
  const texts = new Set(parts.map(text));
  return parts.some((part) => {
    const found = unwrap(part);
    if (found?.kind === "BoolExpr" && found.node.boolop === "NOT_EXPR") return texts.has(text(listOf(found.node.args)[0]));
    if (found?.kind !== "NullTest" || found.node.nulltesttype !== "IS_NULL") return false;
    return texts.has(text({ NullTest: { ...found.node, nulltesttype: "IS_NOT_NULL" } }));
  });
}

function sameText(left: unknown, right: unknown): boolean {
  const kind = unwrap(left)?.kind;
  return kind !== undefined && kind === unwrap(right)?.kind && text(left) === text(right);
}

function text(value: unknown): string | undefined {
  return JSON.stringify(value, (key, inner: unknown) => (key === "location" ? undefined : inner));
}
