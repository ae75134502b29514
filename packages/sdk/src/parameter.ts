import type { PostgresParameter } from "@countersign/rpc";
import { CountersignError } from "./errors.ts";

/**
 * A bind value as PostgreSQL reads it. `null` and `undefined` are NULL; numbers, bigints and booleans their decimal text or `true`/`false`;
 * `Date` ISO 8601 in UTC; `Uint8Array` (and so `Buffer`) bytes; arrays PostgreSQL arrays (of at most 6 dimensions); plain objects, and objects
 * with `toJSON`, JSON text. For an array in a `json` column pass `JSON.stringify(array)`.
 *
 * @throws {CountersignError} `invalid_parameter`, naming `$index + 1`, for what has no such form: NaN and infinities (pass `"NaN"` where it is
 * meant), functions, symbols, other objects, invalid dates, text with a NUL character or a lone surrogate.
 */
export function toParameter(value: unknown, index: number): PostgresParameter {
  try {
    if (value === null || value === undefined) return { value: { $case: "null", value: true } };
    if (value instanceof Uint8Array) return { value: { $case: "binary", value: asBuffer(value) } };
    return { value: { $case: "text", value: Array.isArray(value) ? arrayText(value, 1) : scalarText(value) } };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CountersignError("invalid_parameter", `Parameter $${index + 1}: ${error.message}.`, { cause: error });
  }
}

/** PostgreSQL's own limit on the dimensions of an array (MAXDIM); it also ends a cyclic one. */
const maxDimensions = 6;

/** An array literal: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayText(array: readonly unknown[], depth: number): string {
  if (depth > maxDimensions) throw new TypeError(`an array of more than ${maxDimensions} dimensions`);
  // Not map: it would skip the holes of a sparse array.
  const elements = Array.from(array, (element) => {
    if (element === null || element === undefined) return "NULL";
    if (Array.isArray(element)) return arrayText(element, depth + 1);
    // Two backslashes: one is taken by the array literal, the other starts bytea's hex format.
    if (element instanceof Uint8Array) return `"\\\\x${asBuffer(element).toString("hex")}"`;
    return `"${scalarText(element).replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${elements.join(",")}}`;
}

function scalarText(value: unknown): string {
  switch (typeof value) {
    case "string":
      return checkedText(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${value} is not a finite number; pass it as a string if it is meant`);
      return String(value);
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      if (value instanceof Date) return dateText(value);
      if (value !== null) return jsonText(value);
  }
  throw new TypeError(`a ${typeof value} has no PostgreSQL value`);
}

function checkedText(text: string): string {
  if (text.includes("\0")) throw new TypeError("PostgreSQL text cannot hold a NUL character; pass bytes as a Uint8Array");
  if (!text.isWellFormed()) throw new TypeError("the text holds half of a surrogate pair, which UTF-8 cannot carry");
  return text;
}

/** ISO 8601, with years beyond four digits and before Christ as PostgreSQL writes them. */
function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new TypeError("the Date is invalid");
  const year = date.getUTCFullYear();
  const iso = date.toISOString();
  if (year >= 1 && year <= 9999) return iso;
  const rest = iso.slice(iso.indexOf("-", 1));
  return year > 9999 ? `${year}${rest}` : `${String(1 - year).padStart(4, "0")}${rest} BC`;
}

function jsonText(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === Object.prototype || prototype === null || ("toJSON" in value && typeof value.toJSON === "function");
  if (!plain)
    throw new TypeError(`a ${value.constructor.name} has no PostgreSQL value; convert it to a string, a plain object or bytes`);
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError("the object's toJSON gives nothing");
  return checkedText(text);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
