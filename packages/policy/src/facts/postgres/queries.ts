import { refuseSettingsTable } from "./settings.ts";
import { isTree, listOf, type Tree, unwrap } from "./tree.ts";
import type { Handler, Walk } from "./walk.ts";
import { mergeNarrows, narrows, selectNarrows } from "./where.ts";

/** Row locks, by strength. */
const locks: Readonly<Record<string, string>> = {
  LCS_FORUPDATE: "SELECT FOR UPDATE",
  LCS_FORNOKEYUPDATE: "SELECT FOR NO KEY UPDATE",
  LCS_FORSHARE: "SELECT FOR SHARE",
  LCS_FORKEYSHARE: "SELECT FOR KEY SHARE",
};

/** The handlers of SELECT, INSERT, UPDATE, DELETE and MERGE, wherever they stand. */
export const queries: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["SelectStmt", select],
  ["InsertStmt", (walk, node) => change(walk, "InsertStmt", node, "INSERT")],
  ["UpdateStmt", (walk, node) => change(walk, "UpdateStmt", node, "UPDATE", whereNarrows)],
  ["DeleteStmt", (walk, node) => change(walk, "DeleteStmt", node, "DELETE", whereNarrows)],
  ["MergeStmt", (walk, node) => change(walk, "MergeStmt", node, "MERGE", mergeNarrows)],
  ["IntoClause", into],
]);

function select(walk: Walk, node: Tree): void {
  walk.found.kinds.add("SELECT");
  walk.query(node.withClause, () => {
    // The relations of `FOR UPDATE OF x` are names given in FROM.
    walk.fields("SelectStmt", node, ["withClause", "lockingClause"]);
    if (isTree(node.intoClause)) walk.found.kinds.add("SELECT INTO").add("CREATE").add("CREATE TABLE");
    const clauses = listOf(node.lockingClause);
    for (const clause of clauses) lock(walk, unwrap(clause)?.node);
  });
}

/** A row lock is a write to the row's header: it blocks others, and needs the right to update. */
function lock(walk: Walk, clause: Tree | undefined): void {
  walk.found.effects.add("writes");
  for (const name of walk.found.reads) walk.found.writesTo.add(name);
  const kind = locks[String(clause?.strength)];
  if (kind) walk.found.kinds.add(kind);
  else walk.found.doubts.add("the row lock is not known");
}

/** SELECT INTO and CREATE TABLE AS: makes a table and fills it. */
function into(walk: Walk, node: Tree): void {
  walk.found.effects.add("defines").add("writes");
  if (isTree(node.rel)) walk.target(node.rel);
  walk.fields("IntoClause", node, ["rel"]);
}

function change(walk: Walk, kind: string, node: Tree, name: string, narrowed?: (node: Tree) => boolean): void {
  const { found } = walk;
  found.kinds.add(name);
  found.effects.add("writes");
  walk.query(node.withClause, () => {
    if (isTree(node.relation)) {
      refuseSettingsTable(walk.target(node.relation));
      // Every change but a plain INSERT looks at the rows that are there.
      if (narrowed || node.returningClause || node.onConflictClause) walk.read(node.relation);
    }
    walk.fields(kind, node, ["withClause", "relation"]);
  });
  // After the walk, which has made sure that the condition does not nest too deeply to look at.
  if (narrowed) found.changes.push(narrowed(node));
}

function whereNarrows(node: Tree): boolean {
  return narrows(node.whereClause);
}

/** A SELECT that is a statement of its own, for `hasWhere`. */
export function noteSelect(walk: Walk, node: Tree): void {
  walk.found.selects.push(selectNarrows(node));
}
