import { createHmac } from "node:crypto";

/** What is shown in the place of a value that nobody is shown. */
export type Hide = (value: Uint8Array) => string;

/**
 * Hides values so that it can still be seen which of them are the same: `(hidden, sha256:1f2e3d4c, 12 bytes)`.
 *
 * @param salt - Secret, and another one for each request: without it nobody can try out what a short value may be, nor compare it with a value of
 * their own in another request. Absent, for requests of before: only the length is told.
 */
export function hidingWith(salt: string | undefined): Hide {
  return (value) => {
    const length = `${value.length} ${value.length === 1 ? "byte" : "bytes"}`;
    if (salt === undefined) return `(hidden, ${length})`;
    return `(hidden, sha256:${createHmac("sha256", salt).update(value).digest("hex").slice(0, 8)}, ${length})`;
  };
}
