import { CountersignError } from "../outcome.ts";
import type { SqlFacts } from "./postgres/definition.ts";
import { expressions } from "./postgres/expressions.ts";
import type { Findings } from "./postgres/findings.ts";
import { Names } from "./postgres/names.ts";
import { checkFunctionColumns } from "./postgres/notation.ts";
import { parse } from "./postgres/parser.ts";
import { noteSelect, queries } from "./postgres/queries.ts";
import { statements } from "./postgres/statements.ts";
import { unwrap } from "./postgres/tree.ts";
import { Walk } from "./postgres/walk.ts";

/** A text's facts, and how many parameters it takes. Frozen: it is shared. */
export interface Classified {
  readonly facts: SqlFacts;
  /** The highest `$n`. */
  readonly parameters: number;
}

/** How each kind of node is dealt with; a kind that is not here makes the statement opaque. */
export const handlers = new Map([...expressions, ...queries, ...statements]);

/** More names than this in one text are refused: conditions look at each. */
const maxNames = 500;

/**
 * Classifies a text: parses it with PostgreSQL's own parser, walks the whole trees of all its statements, and adds up what they do.
 *
 * @throws {CountersignError} `invalid_operation`, see {@link parse}; also for a change of a pinned setting and for too many names.
 */
export function classifyText(text: string, searchPath: readonly string[]): Classified {
  const parsed = parse(text);
  if (parsed.statements.length === 0) throw new CountersignError("invalid_operation", "The statement is empty: it holds no SQL.");
  const walk = new Walk(handlers, new Names(searchPath));
  for (const statement of parsed.statements) {
    const found = unwrap(statement);
    if (!found) throw new CountersignError("invalid_operation", "The statement is empty: it holds no SQL.");
    walk.node(found.kind, found.node);
    if (found.kind === "SelectStmt") noteSelect(walk, found.node);
  }
  checkFunctionColumns(walk);
  const facts = summarise(walk.found, text, parsed.fingerprint, parsed.statements.length);
  return Object.freeze({ facts, parameters: walk.found.parameters });
}

function summarise(found: Findings, text: string, fingerprint: string, statements: number): SqlFacts {
  const opaque = found.doubts.size > 0;
  const tables = new Set([...found.reads, ...found.writesTo]);
  if (tables.size + found.functions.size > maxNames) {
    throw new CountersignError("invalid_operation", `The statement names more than ${maxNames} tables and functions. Split it.`);
  }
  return Object.freeze({
    kinds: sorted(found.kinds),
    readOnly: !opaque && found.effects.size === 0,
    writes: opaque || found.effects.has("writes"),
    ddl: found.effects.has("defines"),
    tables: sorted(tables),
    reads: sorted(found.reads),
    writesTo: sorted(found.writesTo),
    functions: sorted(found.functions),
    hasWhere: found.hasWhere,
    fingerprint,
    statements,
    opaque,
    doubts: sorted(found.doubts),
    text,
  });
}

function sorted(names: ReadonlySet<string>): readonly string[] {
  return Object.freeze([...names].sort());
}
