import { LRUCache } from "lru-cache";
import type { PostgresParameter, PostgresQuery } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import type { Protocol } from "./fact.ts";
import { type Classified, classifyText } from "./postgres/classify.ts";
import { type SqlFacts, sqlFacts } from "./postgres/definition.ts";
import { classifyByTemplate } from "./postgres/template-memory.ts";
import { TemplatedFacts } from "./postgres/templated-facts.ts";

/** What classification has to know about a PostgreSQL target, and its caps. */
export interface PostgresOptions {
  /** The `search_path` that is pinned on every connection, in order. */
  readonly searchPath: readonly string[];
  /**
   * The server's major version, where it is certain. Without it, functions and syntax that only newer versions have (`uuidv7()`,
   * `json_value()`) count as not known, because on an older server a user may have defined a function of that name.
   */
  readonly serverVersion?: number;
  /** Cap on the statement in UTF-8 bytes; default 1 MiB. */
  readonly maxStatementBytes?: number;
  /** Cap on all parameters together in bytes; default 4 MiB. */
  readonly maxParameterBytes?: number;
  /**
   * Takes a statement without any parameters as one whose parameters are not known: for rules that are explained or tried out. Never on the
   * way to a target.
   */
  readonly unbound?: boolean;
}

/** PostgreSQL to rules. */
export const postgres: Protocol<SqlFacts> = {
  variable: "sql",
  table: sqlFacts,
  summary: ({ kinds }) => kinds.join(", "),
  readOnly: ({ readOnly, opaque }) => readOnly && !opaque,
  maskRefusal: (mask) => (mask.startsWith("/") ? "that is no column; write schema.table.column" : undefined),
  shared: { but: "text", of: (facts) => TemplatedFacts.modelOf(facts) },
};

/** The wire protocol counts parameters in 16 bits. */
const maxParameters = 65_535;

/**
 * Statements of up to so many UTF-16 units are classified in less than some 25 ms, whatever they hold: see the worst that we know in
 * postgres/cost.test.ts.
 */
const promptLength = 8 * 1024;

/** Seen statements; at most some 32 MB of text. */
const seen = new LRUCache<string, Classified>({
  max: 10_000,
  maxSize: 32 * 1024 * 1024,
  // The text is held twice (in the key and in the facts) at up to two bytes a character.
  sizeCalculation: (_, key) => 4 * key.length + 1000,
});

/**
 * What a statement does, and that its parameters fit. `{@link loadParser}` must have finished once before.
 *
 * @throws {CountersignError} as `classify`.
 */
export function classifyPostgres(operation: PostgresQuery, options: PostgresOptions): Classified {
  const { statement, parameters, types = [], runs } = operation;
  checkText(statement, options.maxStatementBytes ?? 1024 * 1024);
  const classified =
    (runs === undefined ? classifyByTemplate(statement, options) : undefined) ?? classifySeen(operation, options);
  if (options.unbound && parameters.length === 0) return classified;
  // A type declares a parameter, whether or not the text uses it.
  checkParameters(parameters, Math.max(classified.parameters, types.length), options.maxParameterBytes ?? 4 * 1024 * 1024);
  return classified;
}

function classifySeen(operation: PostgresQuery, options: PostgresOptions): Classified {
  const key = keyOf(operation, options);
  let classified = seen.get(key);
  if (!classified) {
    classified = classifyText(operation.statement, options.searchPath, options.serverVersion, operation.runs);
    seen.set(key, classified);
  }
  return classified;
}

/**
 * Whether `classify` is certain to be quick: the text is seen or short. What is not should be classified on another thread, so that nobody
 * else waits for it, and then be remembered here.
 */
export function isPrompt(operation: PostgresQuery, options: PostgresOptions): boolean {
  const { statement, runs = [] } = operation;
  const length = runs.reduce((sum, text) => sum + text.length, statement.length);
  return length <= promptLength || seen.has(keyOf(operation, options));
}

/**
 * Takes over what `classify` found out on another thread about the same operation with the same options: freezes the facts, gives them back,
 * and knows the text from now on.
 */
export function rememberFacts<F extends { readonly sql: SqlFacts; readonly parts?: readonly SqlFacts[] }>(
  operation: PostgresQuery,
  options: PostgresOptions,
  facts: F,
): F {
  const { sql, parts } = deepFreeze(facts);
  const { parameters, types = [] } = operation;
  // It was checked there that the parameters are as many as the statement takes, if they are known and no type declares more of them.
  if ((options.unbound && parameters.length === 0) || types.length > 0) return facts;
  const classified: Classified = { facts: sql, ...(parts ? { parts } : {}), parameters: parameters.length };
  seen.set(keyOf(operation, options), Object.freeze(classified));
  return facts;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

function keyOf({ statement, runs }: PostgresQuery, { searchPath, serverVersion }: PostgresOptions): string {
  const key = `${serverVersion ?? ""}\0${searchPath.join("\0")}\0\0${statement}`;
  return runs === undefined ? key : `${key}\0${JSON.stringify(runs)}`;
}

function checkText(text: string, maxBytes: number): void {
  // No character takes more than three bytes for each of its UTF-16 units.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    throw new CountersignError(
      "operation_too_large",
      `The statement is larger than ${maxBytes} bytes. Split it, or pass data as parameters.`,
    );
  }
  if (text.includes("\0"))
    throw new CountersignError("invalid_operation", "The statement holds a NUL byte, which PostgreSQL does not accept.");
  if (!text.isWellFormed())
    throw new CountersignError("invalid_operation", "The statement is not well-formed Unicode (a lone surrogate).");
}

function checkParameters(parameters: readonly PostgresParameter[], expected: number, maxBytes: number): void {
  if (parameters.length > maxParameters) {
    throw new CountersignError(
      "invalid_parameter",
      `${parameters.length} parameters were given; PostgreSQL takes at most ${maxParameters}.`,
    );
  }
  if (parameters.length !== expected) {
    const given = parameters.length === 1 ? "1 parameter was given" : `${parameters.length} parameters were given`;
    const wanted = expected === 0 ? "uses none" : `expects ${expected} (its highest is $${expected})`;
    throw new CountersignError("invalid_parameter", `${given}, but the statement ${wanted}.`);
  }
  let bytes = 0;
  parameters.forEach((parameter, index) => {
    if (parameter !== null)
      bytes += "text" in parameter ? textBytes(parameter.text, index) : binaryBytes(parameter.binary, index);
  });
  if (bytes > maxBytes)
    throw new CountersignError("operation_too_large", `The parameters are larger than ${maxBytes} bytes together.`);
}

function textBytes(text: string, index: number): number {
  if (text.includes("\0"))
    throw new CountersignError("invalid_parameter", `$${index + 1} holds a NUL byte, which PostgreSQL does not accept.`);
  if (!text.isWellFormed())
    throw new CountersignError("invalid_parameter", `$${index + 1} is not well-formed Unicode (a lone surrogate).`);
  return text.length > 1000 ? Buffer.byteLength(text) : text.length;
}

/** Base64url has several texts for the same bytes; only one may be in an action, or one action would have several digests. */
function binaryBytes(text: string, index: number): number {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) {
    throw new CountersignError(
      "invalid_parameter",
      `$${index + 1} is not canonical base64url (no padding, no spare bits, no other characters).`,
    );
  }
  return bytes.length;
}
