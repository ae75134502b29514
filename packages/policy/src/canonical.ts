import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** `sha256:` followed by 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

/** A value that JSON can carry without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The canonical JSON text of a value (RFC 8785).
 *
 * @throws {TypeError} for a number that is not finite or a string with a lone surrogate: two different values must never share a text.
 */
export function canonicalJson(value: Json): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (error) {
    throw new TypeError(`No canonical JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (text === undefined) throw new TypeError("Not a JSON value");
  return text;
}

/**
 * `sha256(domain ‖ "\n" ‖ JCS(value))`: the domain keeps the digest of one kind of thing from being taken for another's.
 *
 * @throws {TypeError} as {@link canonicalJson}.
 */
export function canonicalDigest(domain: string, value: Json): Digest {
  return `sha256:${createHash("sha256").update(`${domain}\n`).update(canonicalJson(value)).digest("hex")}`;
}
