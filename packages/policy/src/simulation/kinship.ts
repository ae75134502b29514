import { type Facts, subjectOf } from "../facts.ts";

/** A path segment that names one thing of many: a number, a UUID, a long hexadecimal or base64url id. */
const identifier =
  /^(\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{12,}|(?=.*\d)[A-Za-z0-9_-]{20,})$/i;

/** The same text for operations that differ only in what they are about: statements in their constants, requests in the ids of their paths. */
export function kindOf(facts: Facts): string {
  if (facts.protocol === "postgres") return facts.sql.fingerprint;
  const { protocol, whole } = subjectOf(facts);
  return protocol
    .summary(whole)
    .split("/")
    .map((segment) => (identifier.test(segment) ? "{id}" : segment))
    .join("/");
}
