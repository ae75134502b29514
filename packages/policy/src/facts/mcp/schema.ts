import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { canonicalJson, type Digest, type Json } from "../../canonical.ts";
import { refused, tooLarge } from "../request/refusal.ts";

/** A tool's input schema. */
export interface ToolSchema {
  /** `sha256(JCS(schema))`. */
  readonly digest: Digest;
  /** The names of all arguments that the tool takes; undefined when the schema does not list them. */
  readonly names?: ReadonlySet<string>;
}

const maxCharacters = 256 * 1024;

/** By their text; servers list the same few schemas again and again. */
const seen = new LRUCache<string, ToolSchema>({
  max: 1000,
  maxSize: 8 * 1024 * 1024,
  sizeCalculation: (_, text) => 2 * text.length + 1000,
});

/**
 * Reads a tool's input schema (MCP `Tool.inputSchema`: a JSON Schema of an object).
 *
 * @throws {CountersignError} `invalid_operation` when it is not a JSON object; `operation_too_large` above 256 KiB.
 */
export function readSchema(schema: Json): ToolSchema {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    throw refused("The tool's schema is not an object. Give its inputSchema as the server lists it.");
  const text = textOf(schema);
  if (text.length > maxCharacters) throw tooLarge(`The tool's schema is larger than ${maxCharacters} characters.`);
  const before = seen.get(text);
  if (before) return before;
  // Of what the text says, so that the answer depends on nothing else.
  const parsed: Readonly<Record<string, Json>> = JSON.parse(text);
  const names = namesOf(parsed);
  const read = { digest: digestOf(parsed), ...(names ? { names } : {}) };
  seen.set(text, read);
  return read;
}

function textOf(schema: Json): string {
  try {
    const text = JSON.stringify(schema);
    if (text.startsWith("{")) return text;
  } catch {
    // A cycle, a bigint, or too deep: as for what is no object.
  }
  throw refused("The tool's schema holds what JSON cannot carry, or nests too deeply.");
}

function digestOf(schema: Json): Digest {
  try {
    return `sha256:${createHash("sha256").update(canonicalJson(schema)).digest("hex")}`;
  } catch {
    throw refused("The tool's schema is not well-formed Unicode (a lone surrogate), or nests too deeply.");
  }
}

/** Keywords that add properties beside `properties` (JSON Schema 2020-12 §10). */
const adding = [
  "additionalProperties",
  "patternProperties",
  "unevaluatedProperties",
  "allOf",
  "anyOf",
  "oneOf",
  "if",
  "$ref",
  "$dynamicRef",
];

function namesOf(schema: Readonly<Record<string, Json>>): ReadonlySet<string> | undefined {
  const { properties } = schema;
  if (typeof properties !== "object" || properties === null) return undefined;
  return adding.some((keyword) => (schema[keyword] ?? false) !== false) ? undefined : new Set(Object.keys(properties));
}
