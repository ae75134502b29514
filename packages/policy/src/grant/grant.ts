import type { Approval } from "../decision.ts";
import { type Excluded, quorum } from "../quorum.ts";
import type { Approver, Vote } from "../vote.ts";
import { type GrantStatement, grantDigest } from "./statement.ts";

/** A grant as it was made: what it says, and the votes that made it. */
export interface Grant {
  /** `grant_…`. */
  readonly id: string;
  readonly statement: GrantStatement;
  readonly votes: readonly Vote[];
}

/** By what the votes of a grant are judged. */
export interface GrantTrust {
  /** Whether a vote's signature is right. */
  readonly verify: (vote: Vote) => boolean;
  readonly isLocked: (approver: Approver) => boolean;
}

/** When a grant is in force, milliseconds since the Unix epoch; the end is not included. */
export interface GrantLife {
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * When a grant is in force by its votes: each of them over exactly this statement, signed, and all that these rules ask for satisfied by
 * them alone. Undefined where they do not make one: nobody's vote widens what another has signed.
 */
export function grantLife(
  { statement, votes }: Pick<Grant, "statement" | "votes">,
  approval: Approval,
  { verify, isLocked }: GrantTrust,
  owner?: string,
): GrantLife | undefined {
  const { requestId, requestDigest, principal, uses, ttlMs, openedMs } = statement;
  const bounds = approval.grants;
  if (bounds === undefined || uses > bounds.maxUses || ttlMs > bounds.maxTtlMs) return undefined;
  const digest = grantDigest(statement);
  const right = votes.every(
    (vote) =>
      vote.verdict === "approve" &&
      vote.requestId === requestId &&
      vote.requestDigest === requestDigest &&
      vote.grant?.digest === digest &&
      // An emergency is for one action.
      vote.breakGlass === undefined &&
      verify(vote),
  );
  if (!right || votes.length === 0) return undefined;
  const signedWith = new Set<string>(votes.map(({ signature }) => signature.type));
  if (approval.signature === "passkey" && (signedWith.size > 1 || !signedWith.has("passkey"))) return undefined;
  const owners = [statement.owner, owner].flatMap((subject) => (subject === undefined ? [] : [{ issuer: "", subject }]));
  const excluded: Excluded = [principal, ...owners];
  const counting = votes.filter(({ approver }) => !isLocked(approver));
  if (quorum(approval, counting, { excluded, openedMs }).verdict !== "approved") return undefined;
  const fromMs = Math.max(...counting.map(({ timeMs }) => timeMs));
  return { fromMs, untilMs: fromMs + ttlMs };
}
