import { type KeyObject, sign, verify } from "node:crypto";
import { canonicalJson, type Digest } from "./canonical.ts";

/** Who voted. */
export interface Approver {
  readonly issuer: string;
  readonly subject: string;
  /** Sorted; as they were when the vote was cast. */
  readonly groups: readonly string[];
}

/** One approver's yes or no on one request digest. */
export interface Ballot {
  readonly requestId: string;
  readonly requestDigest: Digest;
  readonly approver: Approver;
  readonly verdict: "approve" | "deny";
  /** May be empty. */
  readonly comment: string;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
}

/** A ballot signed by the service that authenticated the approver's session (Ed25519, base64url). */
export interface Vote extends Ballot {
  readonly signature: { readonly type: "session"; readonly value: string };
}

function ballotBytes(ballot: Ballot): Buffer {
  const { issuer, subject, groups } = ballot.approver;
  return Buffer.from(
    `countersign/vote/v1\n${canonicalJson({
      requestId: ballot.requestId,
      requestDigest: ballot.requestDigest,
      approver: { issuer, subject, groups },
      verdict: ballot.verdict,
      comment: ballot.comment,
      timeMs: ballot.timeMs,
    })}`,
  );
}

/** Signs a ballot with the Ed25519 key of the service that authenticated the approver. */
export function signVote(ballot: Ballot, key: KeyObject): Vote {
  return { ...ballot, signature: { type: "session", value: sign(null, ballotBytes(ballot), key).toString("base64url") } };
}

/** Whether a vote was signed by that key, exactly as it stands: a changed row in a store does not approve. */
export function verifyVote(vote: Vote, key: KeyObject): boolean {
  const signature = Buffer.from(vote.signature.value, "base64url");
  return signature.toString("base64url") === vote.signature.value && verify(null, ballotBytes(vote), key, signature);
}
