/// <reference path="./libpg-query.d.ts" />
import createParserModule, { type ParserModule } from "libpg-query/wasm/libpg-query.js";
import { CountersignError } from "../../outcome.ts";
import { isTree, type Tree } from "./tree.ts";

/** What the real parser makes of a text. */
export interface Parsed {
  /** The raw parse tree of every statement, in order. */
  readonly statements: readonly Tree[];
  /** 16 hex digits, the same for texts that differ only in constants, layout and comments (libpg_query's fingerprint). */
  readonly fingerprint: string;
}

/** A module that has grown beyond this is replaced: WebAssembly memory never shrinks. */
const maxModuleBytes = 256 * 1024 * 1024;

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
export function parse(text: string): Parsed {
  const module = current;
  if (!module) throw new CountersignError("internal", "The SQL parser is being loaded; try again.", { retryable: true });
  let result: Parsed;
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

function replaceModule(): void {
  current = spare;
  spare = undefined;
  // A failure to load leaves `current` as it is; the next parse without a module says so.
  loadParser().catch(() => {});
}

function parseWith(module: ParserModule, text: string): Parsed {
  const bytes = Buffer.from(`${text}\0`);
  const pointer = module._malloc(bytes.length);
  if (pointer === 0) throw new Error("The parser has no memory left");
  module.HEAPU8.set(bytes, pointer);
  const tree = parseAt(module, pointer);
  const fingerprint = typeof tree === "string" || tree.length === 0 ? "" : fingerprintAt(module, pointer);
  module._free(pointer);
  if (typeof tree === "string")
    throw new CountersignError("invalid_operation", `PostgreSQL's parser does not accept the statement: ${tree}.`);
  if (tree.length === 0) throw new CountersignError("invalid_operation", "The statement is empty: it holds no SQL.");
  return { statements: tree, fingerprint };
}

/**
 * The statements' trees, or the parser's complaint.
 * PgQueryParseResult { char *tree; char *stderr; PgQueryError *error }, PgQueryError { char *message, *func, *file; int line, cursor }.
 */
function parseAt(module: ParserModule, pointer: number): readonly Tree[] | string {
  const result = module._wasm_parse_query_raw(pointer);
  const error = module.getValue(result + 8, "i32");
  const message = error === 0 ? undefined : module.UTF8ToString(module.getValue(error, "i32"));
  const position = error === 0 ? 0 : module.getValue(error + 16, "i32");
  const tree = error === 0 ? module.UTF8ToString(module.getValue(result, "i32")) : "";
  module._wasm_free_parse_result(result);
  if (message !== undefined) {
    // The complaint quotes a token of the text, which may be a literal of any length.
    const short = message.length > 200 ? `${message.slice(0, 200)}…` : message;
    return position > 0 ? `${short} (at character ${position})` : short;
  }
  const parsed: unknown = JSON.parse(tree);
  if (!isTree(parsed) || !Array.isArray(parsed.stmts)) throw new Error("The parser gave no list of statements");
  return parsed.stmts.map((raw: unknown) => {
    if (!isTree(raw) || !isTree(raw.stmt)) throw new Error("The parser gave a statement without a tree");
    return raw.stmt;
  });
}

function fingerprintAt(module: ParserModule, pointer: number): string {
  const result = module._wasm_fingerprint(pointer);
  const fingerprint = module.UTF8ToString(result);
  module._wasm_free_string(result);
  if (!/^[0-9a-f]{16}$/.test(fingerprint)) throw new Error("The parser gave no fingerprint");
  return fingerprint;
}
