import type { Action } from "@countersign/policy";
import type { MadeGrant } from "./grant-making.ts";
import type { Standing } from "./stores/standing-store.ts";

/** A grant as it stands in the store. */
export interface StoredGrant extends MadeGrant {
  readonly active: boolean;
  readonly revision: number;
  readonly createdMs: number;
  /** The operation that it was made of, for people. */
  readonly text: string;
  /** How often it was used. */
  readonly used: number;
  /** Why it was taken back; absent when it was not. */
  readonly revokedReason?: string;
}

/** What is sealed in a row's body. */
type Body = Omit<StoredGrant, "id" | "active" | "revision" | "createdMs" | "untilMs">;

/** By what the grants of a caller on a resource are found. */
export function grantName({ principal, resource }: Pick<Action, "principal" | "resource">): string {
  return JSON.stringify([principal.issuer, principal.subject, resource]);
}

/** What of a grant is written. */
export function bodyOf({ statement, votes, approval, fromMs, text, used, revokedReason }: Body): Standing["body"] {
  const body: Body = { statement, votes, approval, fromMs, text, used, ...(revokedReason !== undefined && { revokedReason }) };
  return JSON.parse(JSON.stringify(body));
}

/** A grant as it was written. The seal of the store is the check beside the cast: only this program, with its key, wrote the body. */
export function storedGrant({ id, active, revision, createdMs, untilMs = 0, body }: Standing): StoredGrant {
  return { ...(body as unknown as Body), id, active, revision, createdMs, untilMs };
}
