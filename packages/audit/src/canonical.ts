import canonicalize from "canonicalize";

/** A value that JSON can carry without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The canonical JSON bytes of a value (RFC 8785).
 *
 * @throws {TypeError} for a number that is not finite or a string with a lone surrogate.
 */
export function canonicalBytes(value: Json): Buffer {
  const text = canonicalize(value);
  if (text === undefined || !text.isWellFormed()) throw new TypeError("Not a value with a canonical JSON form");
  return Buffer.from(text);
}
