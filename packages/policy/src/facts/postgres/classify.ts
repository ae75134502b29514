import { CountersignError } from "../../outcome.ts";
import type { SqlFacts } from "./definition.ts";
import { expressions } from "./expressions.ts";
import { Findings } from "./findings.ts";
import { Names } from "./names.ts";
import { checkFunctionColumns } from "./notation.ts";
import { type Parsed, parse } from "./parser.ts";
import { noteSelect, queries } from "./queries.ts";
import { statements } from "./statements.ts";
import { type Tree, unwrap } from "./tree.ts";
import { Walk } from "./walk.ts";

/** A text's facts, and how many parameters it takes. Frozen: it is shared. */
export interface Classified {
  /** All statements together. */
  readonly facts: SqlFacts;
  /** Of a text of several statements, each one alone; with the text, fingerprint and number of statements of the whole. */
  readonly parts?: readonly SqlFacts[];
  /** The highest `$n`. */
  readonly parameters: number;
}

/** How each kind of node is dealt with; a kind that is not here makes the statement opaque. */
export const handlers = new Map([...expressions, ...queries, ...statements]);

/** More names than this in one text are refused: conditions look at each. */
const maxNames = 500;

/** More statements than this are refused: each is decided alone. */
const maxStatements = 1000;

/**
 * Classifies a text: parses it with PostgreSQL's own parser, walks the whole trees of all its statements, and adds up what they do.
 *
 * @throws {CountersignError} `invalid_operation`, see {@link parse}; also for a change of a pinned setting and for too many names.
 */
export function classifyText(text: string, searchPath: readonly string[]): Classified {
  const parsed = parse(text);
  if (parsed.statements.length > maxStatements) {
    throw new CountersignError("invalid_operation", `The text holds more than ${maxStatements} statements. Split it.`);
  }
  const names = new Names(searchPath);
  const parts = parsed.statements.map((statement) => findingsOf(statement, names));
  const whole = new Findings();
  for (const part of parts) whole.add(part);
  if (whole.reads.size + whole.writesTo.size + whole.functions.size + whole.doubts.size > maxNames) {
    throw new CountersignError(
      "invalid_operation",
      `The statement names more than ${maxNames} tables, functions and types. Split it.`,
    );
  }
  const summarise = (found: Findings) => summary(found, text, parsed);
  const facts = summarise(whole);
  const several = parts.length > 1 ? { parts: Object.freeze(parts.map(summarise)) } : {};
  return Object.freeze({ facts, ...several, parameters: whole.parameters });
}

function findingsOf(statement: Tree, names: Names): Findings {
  const found = unwrap(statement);
  if (!found) throw new CountersignError("internal", "The SQL parser gave a statement without a tree.");
  const walk = new Walk(handlers, names);
  walk.node(found.kind, found.node);
  if (found.kind === "SelectStmt") noteSelect(walk, found.node);
  checkFunctionColumns(walk);
  return walk.found;
}

function summary(found: Findings, text: string, { fingerprint, statements }: Parsed): SqlFacts {
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
    fingerprint,
    statements: statements.length,
    opaque,
    doubts: sorted(found.doubts),
    text,
  });
}

function sorted(names: ReadonlySet<string>): readonly string[] {
  return Object.freeze([...names].sort());
}
