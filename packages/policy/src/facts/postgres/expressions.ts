import type { Resolved } from "./names.ts";
import { columnReference, fieldSelection, functionInFrom } from "./notation.ts";
import { refusePinnedCall } from "./settings.ts";
import { listOf, namesOf, type Tree, textOf } from "./tree.ts";
import type { Handler, Walk } from "./walk.ts";

/** Nodes that do nothing by themselves: what counts is below them. */
const passive = `
  Integer Float Boolean String BitString List A_Const Alias A_Star A_Indices A_ArrayExpr ResTarget MultiAssignRef BoolExpr
  CaseWhen RowExpr CoalesceExpr MinMaxExpr SQLValueFunction XmlExpr XmlSerialize NullTest BooleanTest SetToDefault
  CurrentOfExpr GroupingFunc GroupingSet WindowDef CollateClause NamedArgExpr RangeSubselect RangeTableFunc
  RangeTableFuncCol CommonTableExpr CTESearchClause CTECycleClause InferClause OnConflictClause IndexElem MergeWhenClause
  ReturningClause ReturningOption RoleSpec ColumnDef JsonFormat JsonReturning JsonValueExpr JsonBehavior JsonTablePathSpec
  JsonTable JsonTableColumn JsonKeyValue JsonObjectConstructor JsonArrayQueryConstructor JsonAggConstructor JsonObjectAgg
  JsonOutput JsonArgument JsonIsPredicate TypeCast`;

/** Operators that a form of A_Expr stands for; the name of any other is the operator's. */
const between: ReadonlyMap<unknown, readonly string[]> = new Map(
  ["AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN", "AEXPR_BETWEEN_SYM", "AEXPR_NOT_BETWEEN_SYM"].map((kind) => [
    kind,
    [">=", "<=", "<", ">"],
  ]),
);

/**
 * Syntax that came with a major version and is an ordinary call for the older ones that are supported: there it may be a user's function.
 */
const newerSyntax: Readonly<Record<string, { readonly since: number; readonly name: (node: Tree) => string }>> = {
  JsonArrayAgg: { since: 16, name: () => "json_arrayagg" },
  JsonArrayConstructor: { since: 16, name: () => "json_array" },
  JsonFuncExpr: { since: 17, name: (node) => textOf(node.op).replace(/_OP$/, "").toLowerCase() },
  JsonParseExpr: { since: 17, name: () => "json" },
  JsonScalarExpr: { since: 17, name: () => "json_scalar" },
  JsonSerializeExpr: { since: 17, name: () => "json_serialize" },
  MergeSupportFunc: { since: 17, name: () => "merge_action" },
};

/** TABLESAMPLE methods of PostgreSQL itself. */
const sampleMethods: ReadonlySet<string | undefined> = new Set(["bernoulli", "system"]);

/** The handlers of everything that may stand inside a query. */
export const expressions: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ...passive
    .trim()
    .split(/\s+/)
    .map((kind): [string, Handler] => [kind, (walk, node) => walk.fields(kind, node)]),
  ...Object.entries(newerSyntax).map(([kind, { since, name }]): [string, Handler] => [
    kind,
    (walk, node) => {
      walk.found.functions.add(name(node));
      if (!walk.names.has(since)) {
        for (const candidate of walk.names.function([name(node)]).names) walk.found.functions.add(candidate);
        walk.found.doubts.add(`${name(node)} may be a user's function before PostgreSQL ${since}`);
      }
      walk.fields(kind, node);
    },
  ]),
  ["RangeVar", (walk, node) => walk.relation(node)],
  ["ParamRef", (walk, node) => walk.parameter(typeof node.number === "number" ? node.number : 0)],
  ["FuncCall", functionCall],
  ["ColumnRef", columnReference],
  ["A_Indirection", fieldSelection],
  ["RangeFunction", functionInFrom],
  [
    "A_Expr",
    (walk, node) => {
      const implied = between.get(node.kind);
      if (implied) impliedOperators(walk, implied);
      else operator(walk, node.name);
      walk.fields("A_Expr", node, ["name"]);
    },
  ],
  [
    "CaseExpr",
    (walk, node) => {
      if (node.arg) impliedOperators(walk, ["="]);
      walk.fields("CaseExpr", node);
    },
  ],
  [
    "JoinExpr",
    (walk, node) => {
      if (node.isNatural === true || listOf(node.usingClause).length > 0) impliedOperators(walk, ["="]);
      walk.fields("JoinExpr", node);
    },
  ],
  [
    "SubLink",
    (walk, node) => {
      if (listOf(node.operName).length > 0) operator(walk, node.operName);
      else if (node.subLinkType === "ANY_SUBLINK") impliedOperators(walk, ["="]);
      walk.fields("SubLink", node, ["operName"]);
    },
  ],
  [
    "SortBy",
    (walk, node) => {
      if (listOf(node.useOp).length > 0) operator(walk, node.useOp);
      walk.fields("SortBy", node, ["useOp"]);
    },
  ],
  [
    "TypeName",
    (walk, node) => {
      const names = namesOf(node.names);
      const resolved = names && walk.names.type(names);
      // Its input or cast function may be a user's.
      if (!resolved?.safe) walk.found.doubts.add(`the type ${describe(resolved)} is not known`);
      walk.fields("TypeName", node, ["names"]);
    },
  ],
  [
    "RangeTableSample",
    (walk, node) => {
      const names = namesOf(node.method);
      if (!sampleMethods.has(names?.at(-1)) || (names?.length ?? 0) > 1)
        walk.found.doubts.add("the TABLESAMPLE method is not known");
      walk.fields("RangeTableSample", node, ["method"]);
    },
  ],
]);

function functionCall(walk: Walk, node: Tree): void {
  const parts = namesOf(node.funcname) ?? [];
  const resolved = walk.names.function(parts);
  for (const name of resolved.names) walk.found.functions.add(name);
  if (!resolved.safe) walk.found.doubts.add(`the function ${describe(resolved)} is not known to be free of side effects`);
  walk.fields("FuncCall", node, ["funcname"]);
  if (parts.at(-1) === "set_config") refusePinnedCall(node);
}

function operator(walk: Walk, name: unknown): void {
  const parts = namesOf(name);
  const resolved = parts && walk.names.operator(parts);
  if (!resolved?.safe) walk.found.doubts.add(`the operator ${describe(resolved)} is not known`);
}

/** Operators that the grammar means: PostgreSQL looks for them along the path, as for those that are written. */
function impliedOperators(walk: Walk, names: readonly string[]): void {
  for (const name of names) {
    const resolved = walk.names.operator([name]);
    if (!resolved.safe) walk.found.doubts.add(`the operator ${describe(resolved)} is not known`);
  }
}

function describe(resolved: Resolved | undefined): string {
  return resolved?.names.join(" or ") ?? "without a plain name";
}
