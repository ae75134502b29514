import { refused } from "../request/refusal.ts";

/** Methods that promise to change nothing (RFC 9110 §9.2.1). TRACE, which does too, is refused. */
const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const known: ReadonlySet<string> = new Set([...safe, "POST", "PUT", "PATCH", "DELETE"]);

/** TRACE gives back what the sidecar added, credentials too; CONNECT opens a tunnel; PRI begins HTTP/2 (RFC 9113 §3.4). */
const never: ReadonlySet<string> = new Set(["TRACE", "TRACK", "CONNECT", "PRI"]);

/** Parameters by which frameworks take a request for one of another method, as {@link plain} writes them. */
const overrides: ReadonlySet<string> = new Set(["_method", "x_http_method_override", "x_http_method", "x_method_override"]);

/**
 * Checks a method (RFC 9110 §9.1: a token, and its case counts).
 *
 * @returns why it is not understood; empty when it is.
 * @throws {CountersignError} `invalid_operation` for one that is not upper case, and for TRACE and CONNECT.
 */
export function methodDoubts(method: string): readonly string[] {
  if (!/^[A-Z][A-Z0-9-]{0,31}$/.test(method))
    throw refused("The method is not written in capital letters, digits and dashes (at most 32), e.g. GET or POST.");
  if (never.has(method)) throw refused(`The method ${method} is not taken: what it does cannot be bound to a decision.`);
  return known.has(method) ? [] : [`the method ${method} is not known`];
}

/** Whether the method promises to change nothing. */
export function isSafe(method: string): boolean {
  return safe.has(method);
}

/**
 * Looks for parameters that make a framework take the request for one of another method.
 *
 * @throws {CountersignError} `invalid_operation`.
 */
export function checkOverride(names: readonly string[]): void {
  const found = names.find((name) => overrides.has(plain(name)));
  if (found !== undefined)
    throw refused("A parameter replaces the method at some servers (_method). Send the method that is meant.");
}

/** PHP drops spaces before a name and makes one of `_method`, `.method` and `_method[x]`; some frameworks ignore case. */
function plain(name: string): string {
  const [base = ""] = name.trimStart().toLowerCase().split("[", 1);
  return base.replaceAll(/[ .-]/g, "_");
}
