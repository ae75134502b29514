import { type ChangeTree, changeTree, endings, singleTree } from "./change-statement.ts";
import { places } from "./fingerprint.ts";
import { isTree, listOf, type Tree, textOf } from "./tree.ts";

/** A SELECT that finds the rows which a statement would change. */
export interface RowSearch {
  readonly statement: string;
  /** The numbers of the parameters that it still uses. */
  readonly parameters: ReadonlySet<number>;
}

/** How many texts are tried before it is given up. */
const mostTries = 24;

/**
 * A SELECT for the rows that an UPDATE or DELETE changes, or that an INSERT takes from elsewhere: a login that may not change a table may not
 * have the change planned either (PostgreSQL asks for the right already then), but it may have the search planned.
 *
 * The SELECT is cut from the statement's own text, and taken only where the parser finds in it the very trees of the statement's conditions and
 * sources. Undefined where none is found, and for MERGE, which has none.
 */
export function rowSearch(text: string): RowSearch | undefined {
  const change = changeTree(text);
  if (change === undefined) return undefined;
  const wanted = wantedTree(change);
  if (wanted === undefined) return undefined;
  const key = formOf(wanted);
  let tries = 0;
  for (const statement of candidates(change, text)) {
    if (++tries > mostTries) return undefined;
    const found = singleTree(statement);
    if (found?.kind === "SelectStmt" && formOf(found.node) === key) return { statement, parameters: parametersIn(found.node) };
  }
  return undefined;
}

const one = { ResTarget: { val: { A_Const: { ival: { ival: 1 } } } } };

/** The tree that the SELECT must have. */
function wantedTree({ verb, node }: ChangeTree): Tree | undefined {
  const { relation, whereClause, withClause, fromClause, usingClause, selectStmt } = node;
  const common = withClause === undefined ? {} : { withClause };
  switch (verb) {
    case "UPDATE":
    case "DELETE": {
      const sources = listOf(verb === "UPDATE" ? fromClause : usingClause);
      const select = { targetList: [one], fromClause: [{ RangeVar: relation }, ...sources] };
      const where = whereClause === undefined ? {} : { whereClause };
      return { ...select, ...where, ...common, limitOption: "LIMIT_OPTION_DEFAULT", op: "SETOP_NONE" };
    }
    case "INSERT": {
      const select = isTree(selectStmt) && isTree(selectStmt.SelectStmt) ? selectStmt.SelectStmt : undefined;
      // Two WITH clauses cannot be joined, and a plan of VALUES says nothing.
      if (select === undefined || select.valuesLists !== undefined) return undefined;
      return select.withClause !== undefined && withClause !== undefined ? undefined : { ...select, ...common };
    }
    case "MERGE":
      return undefined;
  }
}

/** Texts that may be the SELECT. The parser's positions count bytes; keywords are looked for after the table's name. */
function* candidates({ verb, node }: ChangeTree, text: string): Generator<string> {
  const relation = isTree(node.relation) ? node.relation : {};
  const position = typeof relation.location === "number" ? relation.location : 0;
  const before = Buffer.from(text).toString("utf8", 0, position);
  const lead =
    node.withClause === undefined ? "" : before.replace(/\b(update|delete\s+from|insert\s+into)\s+(only\s*\(?\s*)?$/i, "");
  const table = `select 1 from ${relationText(relation)}`;
  const sources = listOf(verb === "UPDATE" ? node.fromClause : node.usingClause);
  const begin = sources.length > 0 ? (verb === "UPDATE" ? /\bfrom\b/gi : /\busing\b/gi) : /\bwhere\b/gi;
  for (const end of clauseEnds(text, verb)) {
    if (verb === "INSERT") {
      for (const start of startsOf(text, /\b(with|select|table)\b|\(/gi, before.length)) yield `${lead}${text.slice(start, end)}`;
    } else if (sources.length === 0 && node.whereClause === undefined) {
      yield `${lead}${table}`;
    } else {
      for (const start of startsOf(text, begin, before.length)) {
        const clause = text.slice(start, end);
        yield `${lead}${table}${sources.length > 0 ? clause.replace(/^\w+/, ",") : ` ${clause}`}`;
      }
    }
  }
}

/** Where the clauses before RETURNING, and before ON CONFLICT, may end. */
function clauseEnds(text: string, verb: ChangeTree["verb"]): readonly number[] {
  const after = verb === "INSERT" ? /\b(returning|on\s+conflict)\b/gi : /\breturning\b/gi;
  return [...endings(text), ...startsOf(text, after, 0).toReversed()];
}

function startsOf(text: string, pattern: RegExp, from: number): number[] {
  return [...text.matchAll(pattern)].map(({ index }) => index).filter((index) => index >= from);
}

function relationText(relation: Tree): string {
  const schema = textOf(relation.schemaname);
  const alias = isTree(relation.alias) ? textOf(relation.alias.aliasname) : "";
  const name = [...(schema === "" ? [] : [schema]), textOf(relation.relname)].map(quoted).join(".");
  return `${relation.inh === true ? "" : "only "}${name}${alias === "" ? "" : ` as ${quoted(alias)}`}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text for a tree, without the places of its nodes; the order of fields does not count. */
function formOf(value: unknown): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (places.has(key)) return undefined;
    return isTree(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part;
  });
}

function parametersIn(tree: Tree): ReadonlySet<number> {
  const numbers = new Set<number>();
  JSON.stringify(tree, (key, part: unknown) => {
    if (key === "ParamRef" && isTree(part) && typeof part.number === "number") numbers.add(part.number);
    return part;
  });
  return numbers;
}
