import { type KeyObject, sign, verify } from "node:crypto";
import { canonicalJson, type Digest } from "./canonical.ts";
import type { GrantOffer } from "./grant/offer.ts";

/** A person with the right to vote. */
export interface Voter {
  readonly subject: string;
  /** Sorted; as they were when the vote was cast. */
  readonly groups: readonly string[];
  /** Every name that the person is known by, the first stands for the person; absent = the subject is the only one. */
  readonly accounts?: readonly string[];
}

/** Who voted. */
export interface Approver extends Voter {
  readonly issuer: string;
  /** Everybody who gave this person their right to vote for a time, whether it is used or not; absent = nobody. */
  readonly actingFor?: readonly Voter[];
}

/** One approver's yes or no on one request digest. */
export interface Ballot {
  readonly requestId: string;
  readonly requestDigest: Digest;
  readonly approver: Approver;
  readonly verdict: "approve" | "deny";
  /** May be empty. */
  readonly comment: string;
  /** Alone, in an emergency; absent = as one of those whom the stages ask. */
  readonly breakGlass?: true;
  /** The grant that is agreed to along with it; absent = none. */
  readonly grant?: GrantOffer;
  /** Lines of a plan that are struck out of what is agreed to: from 0, ascending, each once; absent = none. */
  readonly struck?: readonly number[];
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
}

/** A ballot signed by the service that authenticated the approver's session (Ed25519, base64url). */
export interface Vote extends Ballot {
  readonly signature: { readonly type: "session"; readonly value: string };
}

/** What is absent is left out, so that a ballot has one form whatever later versions add. */
function ballotBytes(ballot: Ballot): Buffer {
  const { requestId, requestDigest, approver, verdict, comment, breakGlass, grant, struck, timeMs } = ballot;
  const { issuer, actingFor, ...own } = approver;
  const text = canonicalJson({
    requestId,
    requestDigest,
    approver: { issuer, ...voter(own), ...(actingFor === undefined ? {} : { actingFor: actingFor.map(voter) }) },
    verdict,
    comment,
    ...(breakGlass === undefined ? {} : { breakGlass }),
    ...(grant === undefined ? {} : { grant: grant.digest }),
    ...(struck === undefined ? {} : { struck }),
    timeMs,
  });
  return Buffer.from(`countersign/vote/v1\n${text}`);
}

function voter({ subject, groups, accounts }: Voter) {
  return { subject, groups, ...(accounts === undefined ? {} : { accounts }) };
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
