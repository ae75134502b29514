import { parse } from "./parser.ts";
import { isTree, listOf, nodeOf, type Tree, textOf, unwrap } from "./tree.ts";

/** A statement that changes the rows of one table, as its parse tree says it. */
export interface ChangeStatement {
  readonly verb: "INSERT" | "UPDATE" | "DELETE" | "MERGE";
  /** Its table; an empty schema = wherever the search_path leads. */
  readonly table: { readonly schema: string; readonly name: string };
  /** What the table is called inside the statement: its alias, or its name. */
  readonly reference: string;
  /** Columns that are set in rows which are there already. */
  readonly assigned: readonly string[];
  /** Whether it gives back rows of its own. */
  readonly returns: boolean;
}

/** A statement's tree, with its verb. */
export interface ChangeTree {
  readonly verb: ChangeStatement["verb"];
  readonly node: Tree;
}

const verbs: Readonly<Record<string, ChangeStatement["verb"]>> = {
  InsertStmt: "INSERT",
  UpdateStmt: "UPDATE",
  DeleteStmt: "DELETE",
  MergeStmt: "MERGE",
};

/** Longer statements are not looked at: they are parsed again and again here, on the thread that serves calls. */
const longest = 16 * 1024;

/** The single statement of a text if it changes the rows of one table, and nothing inside it changes others. */
export function changeStatement(text: string): ChangeStatement | undefined {
  const change = changeTree(text);
  if (change === undefined) return undefined;
  const { verb, node } = change;
  const relation = isTree(node.relation) ? node.relation : {};
  const alias = isTree(relation.alias) ? textOf(relation.alias.aliasname) : "";
  return {
    verb,
    table: { schema: textOf(relation.schemaname), name: textOf(relation.relname) },
    reference: alias || textOf(relation.relname),
    assigned: assignedBy(change),
    returns: node.returningClause !== undefined,
  };
}

/**
 * The same statement that also gives back the expressions of a list, `RETURNING` and all. They are appended to the text, because RETURNING
 * comes last; the parser must then find the same tree with nothing but these expressions added. Undefined where that does not come about.
 *
 * @param names What the row before and the row after are called in the list; from PostgreSQL 18 on.
 */
export function withReturning(
  text: string,
  list: string,
  names?: { readonly old: string; readonly new: string },
): string | undefined {
  const original = changeTree(text);
  if (original === undefined) return undefined;
  const { returningClause, ...rest } = original.node;
  const own = isTree(returningClause) ? returningClause : undefined;
  // Names can only be given at the beginning of the clause, which is the statement's own then.
  if (own !== undefined && names !== undefined) return undefined;
  const given = names && `with (old as ${names.old}, new as ${names.new}) `;
  const tail = own === undefined ? `\nreturning ${given ?? ""}${list}` : `\n, ${list}`;
  for (const end of endings(text)) {
    const extended = text.slice(0, end) + tail;
    const now = changeTree(extended);
    if (now?.verb !== original.verb) continue;
    const { returningClause: clause, ...same } = now.node;
    const kept = isTree(clause) ? listOf(clause.exprs).slice(0, listOf(own?.exprs).length) : [];
    if (JSON.stringify([same, kept]) === JSON.stringify([rest, listOf(own?.exprs)])) return extended;
  }
  return undefined;
}

/** The tree of a text that is one such statement; undefined for anything else. */
export function changeTree(text: string): ChangeTree | undefined {
  const found = singleTree(text);
  const verb = found && verbs[found.kind];
  if (found === undefined || verb === undefined || changesElsewhere(found.node)) return undefined;
  return { verb, node: found.node };
}

/** The tree of a text that is one statement. */
export function singleTree(text: string): { readonly kind: string; readonly node: Tree } | undefined {
  if (text.length > longest) return undefined;
  try {
    const statements = parse(text);
    return statements.length === 1 ? unwrap(statements[0]?.tree) : undefined;
  } catch {
    // What is tried here need not be SQL at all.
    return undefined;
  }
}

/** Where a statement may end: at the end of its text, or at one of its last semicolons, behind which only comments may be. */
export function endings(text: string): readonly number[] {
  const ends = [text.length];
  for (let at = text.lastIndexOf(";"); at > 0 && ends.length < 8; at = text.lastIndexOf(";", at - 1)) ends.push(at);
  return ends;
}

/** Whether its WITH clause changes rows too. */
function changesElsewhere(node: Tree): boolean {
  const ctes = isTree(node.withClause) ? listOf(node.withClause.ctes) : [];
  return ctes.some((cte) => unwrap(nodeOf(cte, "CommonTableExpr")?.ctequery)?.kind !== "SelectStmt");
}

function assignedBy({ verb, node }: ChangeTree): readonly string[] {
  if (verb === "UPDATE") return columnsOf(node.targetList);
  if (verb === "INSERT") return isTree(node.onConflictClause) ? columnsOf(node.onConflictClause.targetList) : [];
  return listOf(node.mergeWhenClauses).flatMap((clause) => columnsOf(nodeOf(clause, "MergeWhenClause")?.targetList));
}

function columnsOf(targets: unknown): readonly string[] {
  return listOf(targets).map((target) => textOf(nodeOf(target, "ResTarget")?.name));
}
