import { CountersignError } from "@countersign/policy";

/** Where a page ended: what follows is older. */
interface Position {
  readonly createdMs: number;
  readonly id: string;
}

/** The longest page. */
export const longestPage = 200;
const defaultPage = 50;

/** @throws {CountersignError} `invalid_request` for a size over 200. */
export function pageSize(size: number): number {
  const wanted = size === 0 ? defaultPage : size;
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= longestPage) return wanted;
  throw new CountersignError("invalid_request", `The page size has to be 1 to ${longestPage}.`);
}

/** What a client gives back for the next page; empty after the last one. */
export function tokenAfter(last: Position | undefined): string {
  return last === undefined ? "" : Buffer.from(`${last.createdMs} ${last.id}`).toString("base64url");
}

/**
 * Where the page before ended; undefined for the first page.
 *
 * @throws {CountersignError} `invalid_request` for what is no token.
 */
export function positionOf(token: string): Position | undefined {
  if (token === "") return undefined;
  const [, createdMs, id] = /^(\d{1,15}) ([a-z]+_[0-9A-Za-z_-]{1,64})$/.exec(Buffer.from(token, "base64url").toString()) ?? [];
  if (createdMs !== undefined && id !== undefined) return { createdMs: Number(createdMs), id };
  throw new CountersignError("invalid_request", "The page token is not one that this service gave. Start at the first page.");
}
