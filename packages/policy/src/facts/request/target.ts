import { type Path, readPath } from "./path.ts";
import { type Query, readQuery } from "./query.ts";
import { refused, tooLarge } from "./refusal.ts";

/** A request target, read once. */
export interface Target {
  readonly path: Path;
  readonly query: Query;
}

/** Servers take 8 to 16 KiB of request line. */
const maxTarget = 16 * 1024;

/**
 * Reads a request target in origin form: path and query exactly as they are sent (RFC 9112 §3.2.1). Every other form names a host, which
 * only the configuration may.
 *
 * @throws {CountersignError} `invalid_operation`; `operation_too_large` above 16 KiB.
 */
export function readTarget(target: string): Target {
  if (target.length > maxTarget)
    throw tooLarge(`The path and query are longer than ${maxTarget} characters. Send data in the body.`);
  if (target.startsWith("//")) throw refused('The path begins with "//", which some servers take for a host. Write one "/".');
  const at = target.indexOf("?");
  if (at < 0) return { path: readPath(target), query: readQuery(undefined) };
  return { path: readPath(target.slice(0, at)), query: readQuery(target.slice(at + 1)) };
}
