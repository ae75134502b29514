import { parse } from "./parser.ts";
import { isTree, listOf, namesOf, nodeOf, type Tree, textOf, unwrap } from "./tree.ts";

/** Which columns what a statement computes may be made of. */
export interface Mentions {
  /** The last names of all columns that are named anywhere, conditions included. */
  readonly columns: ReadonlySet<string>;
  /** Whole rows, or columns under other names, may be part of it: then everything counts as named. */
  readonly wholeRows: boolean;
}

/**
 * The columns that the statements of a text name. A `*` that stands in the output of a statement itself names nothing: what comes of it has
 * its origin in a table, which PostgreSQL tells.
 *
 * @param which `stored`: only those that may become part of what a change writes. Its conditions and its RETURNING do not count, nor does
 *   the proposed row of ON CONFLICT.
 * @throws {CountersignError} as `parse`.
 */
export function mentionsOf(text: string, which: "named" | "stored" = "named"): Mentions {
  const relations = new Set(["old", "new"]);
  const found = {
    columns: new Set<string>(),
    relations,
    single: new Set<string>(),
    proposed: new Set<string>(),
    wholeRows: false,
  };
  for (const { tree } of parse(text)) {
    const plain = new Set([...outputStars(tree), ...(which === "stored" ? unstored(tree) : [])]);
    walk(tree);

    function walk(value: unknown): void {
      if (Array.isArray(value)) {
        for (const item of value) walk(item);
        return;
      }
      if (!isTree(value) || plain.has(value)) return;
      for (const [key, inner] of Object.entries(value)) {
        if (isTree(inner)) look(key, inner);
        walk(inner);
      }
    }
  }
  if (which === "named" || found.relations.has(proposedRow)) for (const name of found.proposed) found.columns.add(name);
  const named = [...found.single].some((name) => found.relations.has(name));
  return { columns: found.columns, wholeRows: found.wholeRows || named };

  function look(kind: string, node: Tree): void {
    switch (kind) {
      case "ColumnRef":
        column(node);
        return;
      case "RangeVar":
      case "relation":
        found.relations.add(textOf(node.relname));
        return;
      case "alias":
      case "Alias":
        alias(node);
        return;
      case "ReturningOption":
        // `returning with (old as o)`
        found.relations.add(textOf(node.value));
        return;
      case "CommonTableExpr":
        found.relations.add(textOf(node.ctename));
        if (listOf(node.aliascolnames).length > 0) found.wholeRows = true;
        return;
      case "JoinExpr":
        // The merged column of an outer join is computed.
        if (node.isNatural === true) found.wholeRows = true;
        for (const name of listOf(node.usingClause)) found.columns.add(textOf(nodeOf(name, "String")?.sval));
        return;
    }
  }

  /** `from customers c(a, b)` gives the columns other names. */
  function alias(node: Tree): void {
    found.relations.add(textOf(node.aliasname));
    if (listOf(node.colnames).length > 0) found.wholeRows = true;
  }

  /** `c.email` names a column; the name of a table in the place of a column is the whole row. */
  function column({ fields }: Tree): void {
    const last = unwrap(listOf(fields).at(-1));
    if (last?.kind !== "String") {
      found.wholeRows = true;
      return;
    }
    const name = textOf(last.node.sval);
    const [first, ...more] = namesOf(fields) ?? [];
    (first === proposedRow && more.length === 1 ? found.proposed : found.columns).add(name);
    found.single.add(name);
  }
}

/** What ON CONFLICT calls the row that was to be inserted. */
const proposedRow = "excluded";

/** The parts of a change that choose rows, or give them to the caller. */
function unstored(tree: Tree): readonly unknown[] {
  const statement = queryOf(tree)?.node;
  const source = nodeOf(statement?.selectStmt, "SelectStmt");
  return [statement?.whereClause, statement?.joinCondition, statement?.returningClause, source?.whereClause].filter(isTree);
}

/** The statement itself, also of one that is prepared, declared or explained. */
function queryOf(tree: unknown): ReturnType<typeof unwrap> {
  const statement = unwrap(tree);
  return statement !== undefined && holders.has(statement.kind) ? queryOf(statement.node.query) : statement;
}

const holders: ReadonlySet<string> = new Set(["PrepareStmt", "DeclareCursorStmt", "ExplainStmt"]);

/** The `*`, `t.*` that are outputs of the statement itself, not of a part that is combined with others. */
function outputStars(tree: Tree): readonly unknown[] {
  const statement = queryOf(tree);
  if (statement === undefined) return [];
  const { kind, node } = statement;
  const isCombined = kind === "SelectStmt" && node.op !== undefined && node.op !== "SETOP_NONE";
  if (isCombined) return [];
  const outputs =
    kind === "SelectStmt" ? listOf(node.targetList) : listOf(isTree(node.returningClause) ? node.returningClause.exprs : []);
  return outputs.flatMap((output) => {
    const reference = nodeOf(nodeOf(output, "ResTarget")?.val, "ColumnRef");
    const isStar = unwrap(listOf(reference?.fields).at(-1))?.kind === "A_Star";
    return isStar && isTree(output) ? [output] : [];
  });
}
