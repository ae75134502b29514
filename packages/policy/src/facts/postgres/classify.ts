import { CountersignError } from "../../outcome.ts";
import type { SqlFacts } from "./definition.ts";
import { expressions } from "./expressions.ts";
import { Findings } from "./findings.ts";
import { fingerprintOf, formOf } from "./fingerprint.ts";
import { Names } from "./names.ts";
import { checkFunctionColumns } from "./notation.ts";
import { type ParsedStatement, parse } from "./parser.ts";
import { noteSelect, queries } from "./queries.ts";
import { doubtsOfRuns, statements } from "./statements.ts";
import { isTree, nodeOf, type Tree, unwrap } from "./tree.ts";
import { tooDeep, Walk } from "./walk.ts";

/** A text's facts, and how many parameters it takes. Frozen: it is shared. */
export interface Classified {
  /** All statements together. */
  readonly facts: SqlFacts;
  /** Of a text of several statements, each one alone, with its own text and fingerprint but the number of statements of the whole. */
  readonly parts?: readonly SqlFacts[];
  /** The highest `$n`. */
  readonly parameters: number;
}

/** How each kind of node is dealt with; a kind that is not here makes the statement opaque. */
export const handlers = new Map([...expressions, ...queries, ...statements]);

/** More names than this in one text are refused: conditions look at each. */
const maxNames = 500;

/** The same for a text of several statements, where a name counts in each of them. */
const maxNamesOfParts = 2000;

/** More statements than this are refused: each is decided alone. */
const maxStatements = 500;

/**
 * Classifies a text: parses it with PostgreSQL's own parser, walks the whole trees of all its statements, and adds up what they do.
 *
 * @param runs What each EXECUTE, FETCH and MOVE of the text runs, in order, where that is known.
 * @throws {CountersignError} `invalid_operation`, see {@link parse}; also for a change of a pinned setting and for too many names.
 */
export function classifyText(
  text: string,
  searchPath: readonly string[],
  serverVersion?: number,
  runs?: readonly string[],
): Classified {
  return classifyParsed(text, parse(text), searchPath, serverVersion, runs);
}

/** As {@link classifyText}, of a text that is parsed. */
export function classifyParsed(
  text: string,
  statements: readonly ParsedStatement[],
  searchPath: readonly string[],
  serverVersion?: number,
  runs?: readonly string[],
): Classified {
  if (statements.length > maxStatements) {
    throw new CountersignError("invalid_operation", `The text holds more than ${maxStatements} statements. Split it.`);
  }
  const names = new Names(searchPath, serverVersion);
  const found = statements.map((statement) => findingsOf(statement, names));
  const forms = statements.map(({ tree }) => formOf(tree));
  if (runs !== undefined) addRuns(statements, runs, { found, forms, names });
  const [only] = found;
  const whole = only && found.length === 1 ? only : sumOf(found);
  const namesOfParts = found.reduce((sum, part) => sum + countOf(part), 0);
  if (countOf(whole) > maxNames || namesOfParts > maxNamesOfParts) {
    throw new CountersignError(
      "invalid_operation",
      `The text names more than ${maxNames} tables, functions and types, or ${maxNamesOfParts} in all its statements. Split it.`,
    );
  }
  const summarise = (part: Findings, partText: string, partForms: readonly string[]) =>
    summary(part, { text: partText, fingerprint: fingerprintOf(partForms), statements: statements.length });
  const facts = summarise(whole, text, forms);
  const { parameters } = whole;
  if (found.length === 1) return Object.freeze({ facts, parameters });
  const parts = found.map((part, at) => summarise(part, statements[at]?.text ?? text, forms.slice(at, at + 1)));
  return Object.freeze({ facts, parts: Object.freeze(parts), parameters });
}

/** Adds what the statements run that were prepared or declared before, if all of that is known. */
function addRuns(
  statements: readonly ParsedStatement[],
  runs: readonly string[],
  { found, forms, names }: { readonly found: readonly Findings[]; readonly forms: string[]; readonly names: Names },
): void {
  const places = statements.flatMap(({ tree }, at) => (doubtOfRun(tree) === undefined ? [] : [at]));
  // One text cannot stand for two statements.
  if (places.length !== runs.length) return;
  for (const [index, at] of places.entries()) {
    const [ran, ...more] = parse(runs[index] ?? "");
    const [findings, doubt] = [found[at], doubtOfRun(statements[at]?.tree)];
    if (ran === undefined || more.length > 0 || findings === undefined || doubt === undefined) continue;
    // PREPARE and DECLARE were decided on when they were sent; now it is about their queries.
    const [outer, query] = [unwrap(ran.tree), isTree(ran.tree) && preparedIn(ran.tree)];
    const inner = findingsOf({ tree: query || ran.tree, text: ran.text }, names);
    findings.doubts.delete(doubt);
    if (unwrap(statements[at]?.tree)?.kind === "ExecuteStmt") findings.effects.delete("writes");
    // Its parameters are its own.
    inner.parameters = 0;
    findings.add(inner);
    forms[at] = `${forms[at] ?? ""}|${outer?.kind ?? ""}:${formOf(ran.tree)}`;
  }
}

function doubtOfRun(tree: unknown): string | undefined {
  const kind = unwrap(tree)?.kind;
  if (kind === "ExecuteStmt") return doubtsOfRuns.execute;
  return kind === "FetchStmt" ? doubtsOfRuns.fetch : undefined;
}

function preparedIn(tree: Tree): Tree | undefined {
  const query = nodeOf(tree, "PrepareStmt")?.query ?? nodeOf(tree, "DeclareCursorStmt")?.query;
  return isTree(query) ? query : undefined;
}

function findingsOf({ tree }: ParsedStatement, names: Names): Findings {
  const found = unwrap(tree);
  if (!found) throw new CountersignError("internal", "The SQL parser gave a statement without a tree.");
  const walk = new Walk(handlers, names);
  try {
    walk.node(found.kind, found.node);
  } catch (error) {
    // The caller has used up most of the stack: less deep nesting overflows it.
    throw error instanceof RangeError ? tooDeep() : error;
  }
  if (found.kind === "SelectStmt") noteSelect(walk, found.node);
  checkFunctionColumns(walk);
  return walk.found;
}

function countOf({ reads, writesTo, functions, doubts }: Findings): number {
  return reads.size + writesTo.size + functions.size + doubts.size;
}

function sumOf(parts: readonly Findings[]): Findings {
  const whole = new Findings();
  for (const part of parts) whole.add(part);
  return whole;
}

function summary(found: Findings, about: Pick<SqlFacts, "text" | "fingerprint" | "statements">): SqlFacts {
  const opaque = found.doubts.size > 0;
  return Object.freeze({
    kinds: sorted(found.kinds),
    readOnly: !opaque && found.effects.size === 0,
    writes: opaque || found.effects.has("writes"),
    ddl: found.effects.has("defines"),
    tables: sorted(new Set([...found.reads, ...found.writesTo])),
    reads: sorted(found.reads),
    writesTo: sorted(found.writesTo),
    functions: sorted(found.functions),
    hasWhere: found.hasWhere,
    fingerprint: about.fingerprint,
    statements: about.statements,
    opaque,
    doubts: sorted(found.doubts),
    text: about.text,
  });
}

function sorted(names: ReadonlySet<string>): readonly string[] {
  return Object.freeze([...names].sort());
}
