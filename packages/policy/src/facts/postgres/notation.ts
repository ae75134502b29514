/**
 * PostgreSQL calls a function of one argument also in the notation of a column: `('/etc/passwd').pg_read_file`, and
 * `f.pg_read_file from unnest(array['/etc/passwd']) f`, where `f` is a plain value. Whatever may be such a call is treated as one.
 *
 * `t.name` on a table or sub-select may be a call as well, but only of a function that takes a whole row; without the database's catalog
 * it cannot be told from a column and is taken for one.
 */
import { functionColumns } from "./catalog.generated.ts";
import { isTree, listOf, namesOf, nodeOf, type Tree, textOf, unwrap } from "./tree.ts";
import type { Walk } from "./walk.ts";

/** `alias.column`: remembered until all of FROM has been seen. */
export function columnReference(walk: Walk, node: Tree): void {
  const fields = namesOf(node.fields);
  // Undefined for `alias.*`; with three fields the first two name a table.
  if (fields?.length !== 2) return;
  const [alias = "", column = ""] = fields;
  const known = walk.found.columns.get(alias);
  if (known) known.add(column);
  else walk.found.columns.set(alias, new Set([column]));
}

/** `(expression).name`. */
export function fieldSelection(walk: Walk, node: Tree): void {
  const columns = columnsOf(walk, node.arg);
  for (const item of listOf(node.indirection)) {
    const field = nodeOf(item, "String");
    if (field && !columns.includes(textOf(field.sval))) mayCall(walk, textOf(field.sval));
  }
  walk.fields("A_Indirection", node);
}

/** A function in FROM. Only a single one without ordinality gives a plain value under its alias; otherwise the alias is a row. */
export function functionInFrom(walk: Walk, node: Tree): void {
  walk.fields("RangeFunction", node);
  const functions = listOf(node.functions);
  if (functions.length !== 1 || node.ordinality === true) return;
  const [call, definitions] = listOf(nodeOf(functions[0], "List")?.items);
  const alias = isTree(node.alias) ? node.alias : undefined;
  const name = textOf(alias?.aliasname) || namesOf(nodeOf(call, "FuncCall")?.funcname)?.at(-1);
  if (name === undefined) {
    walk.found.doubts.add("an expression in FROM has no name");
    return;
  }
  const defined = [...listOf(node.coldeflist), ...listOf(nodeOf(definitions, "List")?.items)];
  const columns = [
    ...(namesOf(alias?.colnames) ?? []),
    ...defined.map((column) => textOf(nodeOf(column, "ColumnDef")?.colname)),
    ...columnsOf(walk, call),
  ];
  const all = new Set(columns.length > 0 ? columns : [name]);
  const before = walk.found.functionAliases.get(name);
  walk.found.functionAliases.set(name, before ? new Set([...before].filter((column) => all.has(column))) : all);
}

/** At the end: every `alias.column` on a function's alias that is not one of its columns may be a call. */
export function checkFunctionColumns(walk: Walk): void {
  for (const [alias, columns] of walk.found.functionAliases) {
    for (const column of walk.found.columns.get(alias) ?? []) if (!columns.has(column)) mayCall(walk, column);
  }
}

function mayCall(walk: Walk, name: string): void {
  const { names, safe } = walk.names.function([name]);
  if (safe) return;
  for (const one of names) walk.found.functions.add(one);
  walk.found.doubts.add(`.${name} may be a call of the function ${names.join(" or ")}`);
}

/** The columns of one of PostgreSQL's own functions. */
function columnsOf(walk: Walk, value: unknown): readonly string[] {
  const found = unwrap(value);
  const parts = found?.kind === "FuncCall" ? (namesOf(found.node.funcname) ?? []) : [];
  return walk.names.function(parts).safe ? (functionColumns.get(parts.at(-1) ?? "") ?? []) : [];
}
