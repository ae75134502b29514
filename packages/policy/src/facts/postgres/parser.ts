/// <reference path="./libpg-query.d.ts" />
import createParserModule, { type ParserModule } from "libpg-query/wasm/libpg-query.js";
import { CountersignError } from "../../outcome.ts";
import { isTree, type Tree } from "./tree.ts";

/** One statement of a text. */
export interface ParsedStatement {
  /** The raw parse tree. */
  readonly tree: Tree;
  /** Its own part of the text. */
  readonly text: string;
}

/** A module that has grown beyond this is replaced: WebAssembly memory never shrinks. */
const maxModuleBytes = 256 * 1024 * 1024;

/**
 * Long runs of the characters of operators. The scanner takes a whole run for an operator, then gives back what a comment or a trailing sign
 * begins, and reads that again: its time grows with the square of the run. 16 kB of `+-+-+-` would take a second.
 */
const operatorRuns = /[-~!@#^&|`?+*/%<>=]{257,}/g;

let current: ParserModule | undefined;
let spare: ParserModule | undefined;
let loading: Promise<void> | undefined;

/** Loads PostgreSQL's parser (WebAssembly). Needed once before the first classification; later calls cost nothing. */
export function loadParser(): Promise<void> {
  loading ??= load().finally(() => (loading = undefined));
  return loading;
}

/** Either may be used up while the other is being loaded. */
async function load(): Promise<void> {
  while (!current || !spare) {
    const module = await createParserModule();
    if (current) spare = module;
    else current = module;
  }
}

/**
 * Parses a text of one or more statements. The text must be well-formed, hold no NUL byte and be within the caller's size cap.
 *
 * @throws {CountersignError} `invalid_operation` when PostgreSQL does not accept it, when it says nothing, or when it nests too deeply.
 */
export function parse(text: string): readonly ParsedStatement[] {
  checkOperators(text);
  const module = current;
  if (!module) throw new CountersignError("internal", "The SQL parser is being loaded; try again.", { retryable: true });
  let result: readonly ParsedStatement[];
  try {
    result = parseWith(module, text);
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    // The stack overflowed inside the module, which leaves the module's own stack pointer and memory as they were: after some twenty
    // of these it would trap on every text. An attacker must not be able to stop the parser, so this module is never used again.
    replaceModule();
    const overflow = error instanceof RangeError || (error instanceof Error && error.name === "RuntimeError");
    if (!overflow)
      throw new CountersignError("internal", "The SQL parser failed on the statement, so it is not run.", { cause: error });
    throw new CountersignError("invalid_operation", "The statement nests too deeply for the parser. Write it with less nesting.");
  }
  if (module.HEAPU8.length > maxModuleBytes) replaceModule();
  return result;
}

function checkOperators(text: string): void {
  for (const [run] of text.matchAll(operatorRuns)) {
    // Read once: one operator, or a comment to the end of the line.
    if (!/[-+]|\/\*/.test(run) || (run.startsWith("--") && !/\/\*|\*\//.test(run))) continue;
    throw new CountersignError(
      "invalid_operation",
      `The statement holds ${run.length} characters of operators in a row, from ${run.slice(0, 10)} on. Put a space between them, or pass data as parameters.`,
    );
  }
}

function replaceModule(): void {
  current = spare;
  spare = undefined;
  // A failure to load leaves `current` as it is; the next parse without a module says so.
  loadParser().catch(() => {});
}

function parseWith(module: ParserModule, text: string): readonly ParsedStatement[] {
  const bytes = Buffer.from(`${text}\0`);
  const pointer = module._malloc(bytes.length);
  if (pointer === 0) throw new Error("The parser has no memory left");
  module.HEAPU8.set(bytes, pointer);
  const answer = parseAt(module, pointer);
  module._free(pointer);
  if ("complaint" in answer)
    throw new CountersignError("invalid_operation", `PostgreSQL's parser does not accept the statement: ${answer.complaint}.`);
  const parsed: unknown = JSON.parse(answer.json);
  if (!isTree(parsed) || !Array.isArray(parsed.stmts)) throw new Error("The parser gave no list of statements");
  if (parsed.stmts.length === 0) throw new CountersignError("invalid_operation", "The statement is empty: it holds no SQL.");
  const several = parsed.stmts.length > 1;
  return parsed.stmts.map((raw: unknown) => {
    if (!isTree(raw) || !isTree(raw.stmt)) throw new Error("The parser gave a statement without a tree");
    return { tree: raw.stmt, text: several ? partOf(bytes, raw) : text };
  });
}

/** Positions count bytes; a zero is left out, and the length also of a last statement without a semicolon. */
function partOf(bytes: Buffer, raw: Tree): string {
  const start = typeof raw.stmt_location === "number" ? raw.stmt_location : 0;
  const end = typeof raw.stmt_len === "number" ? start + raw.stmt_len : bytes.length - 1;
  return bytes.toString("utf8", start, end).trim();
}

/**
 * The trees as JSON, or the parser's complaint.
 * PgQueryParseResult { char *tree; char *stderr; PgQueryError *error }, PgQueryError { char *message, *func, *file; int line, cursor }.
 */
function parseAt(module: ParserModule, pointer: number): { readonly json: string } | { readonly complaint: string } {
  const result = module._wasm_parse_query_raw(pointer);
  const error = module.getValue(result + 8, "i32");
  if (error === 0) {
    const json = textAt(module, module.getValue(result, "i32"));
    module._wasm_free_parse_result(result);
    return { json };
  }
  const message = textAt(module, module.getValue(error, "i32"));
  const position = module.getValue(error + 16, "i32");
  module._wasm_free_parse_result(result);
  // The complaint quotes a token of the text, which may be a literal of any length.
  const short = message.length > 200 ? `${message.slice(0, 200)}…` : message;
  return { complaint: position > 0 ? `${short} (at character ${position})` : short };
}

function textAt({ HEAPU8 }: ParserModule, pointer: number): string {
  return Buffer.from(HEAPU8.buffer, pointer, HEAPU8.indexOf(0, pointer) - pointer).toString();
}
