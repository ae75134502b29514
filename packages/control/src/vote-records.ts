import type { RecordDraft } from "@countersign/audit";
import type { Approver, ErrorCode, Vote, Voter } from "@countersign/policy";
import { about } from "./records.ts";
import type { RequestOverview } from "./stores/request-store.ts";

/** A vote that counts. With the comment, which is the payload, anyone can check its signature again. */
export function voteRecord(request: RequestOverview, vote: Vote): RecordDraft {
  return {
    type: "vote",
    timeMs: vote.timeMs,
    ...about(request),
    detail: {
      accepted: true,
      requestDigest: vote.requestDigest,
      approver: balloter(vote.approver),
      verdict: vote.verdict,
      ...(vote.breakGlass && { breakGlass: vote.breakGlass }),
      ...(vote.grant && { grant: vote.grant.digest }),
      ...(vote.struck && { struck: vote.struck }),
      timeMs: vote.timeMs,
      signature: { ...vote.signature },
    },
    payload: Buffer.from(vote.comment),
  };
}

/** A vote that was refused, and why. */
export function refusedVoteRecord(
  request: RequestOverview,
  attempt: { readonly approver: Approver; readonly verdict: Vote["verdict"]; readonly requestDigest: string },
  code: ErrorCode,
  timeMs: number,
): RecordDraft {
  const { issuer, subject, groups } = attempt.approver;
  return {
    type: "vote",
    timeMs,
    ...about(request),
    detail: {
      accepted: false,
      code,
      // The caller's own text: kept short and well-formed, whatever they sent.
      requestDigest: attempt.requestDigest.slice(0, 80).toWellFormed(),
      approver: { issuer, subject, groups },
      verdict: attempt.verdict,
    },
  };
}

/** All that a ballot says of its voter, so that its signature can be checked again. */
function balloter(approver: Approver) {
  const { issuer, actingFor } = approver;
  return { issuer, ...person(approver), ...(actingFor && { actingFor: actingFor.map(person) }) };
}

function person({ subject, groups, accounts }: Voter) {
  return { subject, groups, ...(accounts && { accounts }) };
}
