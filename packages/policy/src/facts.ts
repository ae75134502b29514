import { LRUCache } from "lru-cache";
import type { Operation, PostgresParameter } from "./action.ts";
import type { SqlFacts } from "./facts/postgres/definition.ts";
import { type Classified, classifyText } from "./facts/postgres.ts";
import { CountersignError } from "./outcome.ts";

/** What classification found out about an operation. JSON-serialisable; shared and therefore frozen. */
export type Facts = {
  readonly protocol: "postgres";
  readonly sql: SqlFacts;
  /** The facts of each statement alone, when there are several: policy decides on every one, and the strictest counts. */
  readonly parts?: readonly SqlFacts[];
};

/** What classification has to know about the target, and its caps. */
export interface ClassifyOptions {
  /** The `search_path` that is pinned on every connection, in order. */
  readonly searchPath: readonly string[];
  /** Cap on the statement in UTF-8 bytes; default 1 MiB. */
  readonly maxStatementBytes?: number;
  /** Cap on all parameters together in bytes; default 4 MiB. */
  readonly maxParameterBytes?: number;
}

/** The wire protocol counts parameters in 16 bits. */
const maxParameters = 65_535;

interface Entry {
  readonly facts: Facts;
  readonly parameters: number;
}

/** Seen statements; at most some 32 MB of text. */
const seen = new LRUCache<string, Entry>({
  max: 10_000,
  maxSize: 32 * 1024 * 1024,
  // The text is held twice (in the key and in the facts) at up to two bytes a character.
  sizeCalculation: (_, key) => 4 * key.length + 1000,
});

/**
 * Finds out what an operation does, from its own bytes and the pinned `search_path` alone. What cannot be understood is marked opaque.
 * {@link loadParser} must have finished once before.
 *
 * @throws {CountersignError} `operation_too_large`; `invalid_operation` when PostgreSQL does not accept the text, it is empty, holds a NUL
 * byte or a lone surrogate, nests too deeply or changes a pinned setting; `invalid_parameter` when the parameters do not fit.
 */
export function classify(operation: Operation, options: ClassifyOptions): Facts {
  const { statement, parameters } = operation;
  checkText(statement, options.maxStatementBytes ?? 1024 * 1024);
  const key = `${options.searchPath.join("\0")}\0\0${statement}`;
  let entry = seen.get(key);
  if (!entry) {
    entry = entryOf(classifyText(statement, options.searchPath));
    seen.set(key, entry);
  }
  checkParameters(parameters, entry.parameters, options.maxParameterBytes ?? 4 * 1024 * 1024);
  return entry.facts;
}

function entryOf(classified: Classified): Entry {
  const { facts: sql, parts, parameters } = classified;
  return { facts: Object.freeze({ protocol: "postgres", sql, ...(parts ? { parts } : {}) }), parameters };
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
