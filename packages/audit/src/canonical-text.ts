import { canonicalBytes, type Json } from "./canonical.ts";

/** Values nested deeper are left to the canonicaliser that does not recurse. */
const MAX_DEPTH = 32;

/**
 * The canonical JSON text of a value (RFC 8785) as {@link canonicalBytes} makes it, several times faster for the small plain values that
 * records are made of; everything else is left to `canonicalBytes`. Only the writer uses it: the verifier checks its work with the other.
 *
 * @throws {TypeError} for a number that is not finite or a string with a lone surrogate, and for what is no JSON.
 */
export function canonicalText(value: Json, depth = 0): string {
  if (typeof value === "string") return stringText(value);
  if (typeof value === "boolean" || value === null) return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value !== "object" || depth === MAX_DEPTH || "toJSON" in value) return canonicalBytes(value).toString();
  if (isArray(value)) {
    let list = "";
    for (const item of value) list += `${list === "" ? "" : ","}${canonicalText(item ?? null, depth + 1)}`;
    return `[${list}]`;
  }
  // Boxed values, and whatever else canonicalBytes may make of a class.
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return canonicalBytes(value).toString();
  let members = "";
  for (const name of sorted(Object.keys(value))) {
    const member = value[name];
    if (member !== undefined) {
      members += `${members === "" ? "" : ","}${stringText(name)}:${canonicalText(member, depth + 1)}`;
    }
  }
  return `{${members}}`;
}

/** A string as JSON. @throws {TypeError} for a lone surrogate, which UTF-8 cannot carry. */
export function stringText(value: string): string {
  if (!value.isWellFormed()) throw new TypeError("a text has a lone surrogate");
  return JSON.stringify(value);
}

/** By UTF-16 code units (RFC 8785 §3.2.3), as JavaScript compares strings. Most objects have few members. */
function sorted(names: string[]): string[] {
  return names.length > 1 ? names.sort() : names;
}

function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
