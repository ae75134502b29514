import type { Headers } from "../request/headers.ts";
import type { Scope } from "./scope.ts";

/** Stands before the name of a header that a client sent and that does not go on; it is bound and shown, so that nobody overlooks it. */
const removed = "countersign-removed-";

/**
 * A request whose client asked to be somebody else, as it is put before policy and people: it is nobody but its role, and says what was asked for.
 * Several values of one header are one list.
 */
export function withoutImpersonation(
  headers: readonly (readonly [name: string, value: string])[],
): readonly (readonly [string, string])[] {
  if (!headers.some(isImpersonation)) return headers;
  const asked = new Map<string, string>();
  for (const [given, value] of headers.filter(isImpersonation)) {
    const name = removed + given.toLowerCase();
    const before = asked.get(name);
    asked.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return [...headers.filter((header) => !isImpersonation(header)), ...asked];
}

/** What was removed of a request, by the names that its client knows, e.g. `impersonate-user`. */
export function removedHeaders(headers: readonly (readonly [name: string, value: string])[]): readonly string[] {
  return headers
    .map(([name]) => name.toLowerCase())
    .flatMap((name) => (name.startsWith(removed) ? [name.slice(removed.length)] : []));
}

/**
 * A change that was asked for as somebody else might be one that this one may not make, and a review of one's rights would tell about another's: no rule
 * lets either through without a word of it. What only reads gives no more than the role may see.
 */
export function doubtsAboutRemoved(
  { values }: Headers,
  { reads, asksOnly }: Pick<Scope, "reads" | "asksOnly">,
): readonly string[] {
  if (reads && !asksOnly) return [];
  return Object.entries(values).flatMap(([name, given]) =>
    name.startsWith(removed)
      ? [`it was asked for as somebody else (${name.slice(removed.length)}: ${given.join(", ")}), and would be done as its role`]
      : [],
  );
}

function isImpersonation([name]: readonly [name: string, value: string]): boolean {
  return /^impersonate-/i.test(name);
}
