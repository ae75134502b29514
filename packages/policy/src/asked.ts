import type { Operation } from "./action.ts";

/** What a caller asked for, in its own words. */
export interface Asked {
  readonly operation: Operation;
  /** Why; untrusted. */
  readonly reason: string;
  /** The agent's run or conversation id; untrusted. */
  readonly session: string;
}

/** The bytes that are kept of it as an audit record's payload: JSON; `reason` and `session` only where they say something. */
export function askedPayload({ operation, reason, session }: Asked): Buffer {
  const words = { ...(reason === "" ? {} : { reason }), ...(session === "" ? {} : { session }) };
  return Buffer.from(JSON.stringify({ operation, ...words }));
}
