import {
  type Approval,
  type Approver,
  CountersignError,
  checkedTerms,
  type ErrorCode,
  type Facts,
  type Grant,
  type GrantableRequest,
  type GrantBounds,
  type GrantOffer,
  type GrantTerms,
  grantableValues,
  grantDigest,
  grantLife,
  grantStatement,
  type ShapeValue,
  type Vote,
} from "@countersign/policy";
import type { StoredRequest } from "./stores/request-store.ts";

/** A grant that has come into force, with the rules' own words. */
export interface MadeGrant extends Grant {
  /** What its request's rules asked for. */
  readonly approval: Approval;
  /** Milliseconds since the Unix epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** By what votes are judged; see `GrantTrust`. */
export interface MakingTrust {
  readonly verify: (vote: Vote) => boolean;
  readonly isLocked: (approver: Approver) => boolean;
}

/** What a grant on a request may be at most, and which values may be bounded; undefined where none is possible. */
export function grantable(
  request: StoredRequest,
): { readonly bounds: GrantBounds; readonly values: readonly ShapeValue[] } | undefined {
  const bounds = request.decision.effect === "review" ? request.decision.approval.grants : undefined;
  const values = bounds && grantableValues(request.action.operation, factsOf(request));
  return bounds && values && { bounds, values };
}

/**
 * A grant on a request as an approver signs it.
 *
 * @throws {CountersignError} `grant_too_wide`, `invalid_request`.
 */
function offerOf(request: StoredRequest, terms: GrantTerms): GrantOffer {
  const { decision } = request;
  const checked = checkedTerms(terms, decision.effect === "review" ? decision.approval.grants : undefined);
  return { digest: grantDigest(statementOf(request, checked)), terms: checked };
}

/** What of a vote is about a grant: the offer that is signed, or why there can be none. */
export function offeredWith(
  request: StoredRequest,
  { grant, verdict, breakGlass }: { readonly grant?: GrantTerms; readonly verdict: Vote["verdict"]; readonly breakGlass?: true },
): { readonly offer?: GrantOffer; readonly refusal?: { readonly code: ErrorCode; readonly message: string } } {
  if (grant === undefined) return {};
  if (verdict === "deny") return { refusal: { code: "invalid_request", message: "A no makes no grant. Leave the grant out." } };
  if (breakGlass) return { refusal: { code: "grant_too_wide", message: "An emergency is for one action, and makes no grant." } };
  try {
    return { offer: offerOf(request, grant) };
  } catch (error) {
    if (error instanceof CountersignError) return { refusal: error };
    throw error;
  }
}

/** The grant that a request's votes make, if they make one: what is needed to approve it has agreed to the very same grant. */
export function grantOf(request: StoredRequest, votes: readonly Vote[], trust: MakingTrust): MadeGrant | undefined {
  const offer = votes.at(-1)?.grant;
  const { decision } = request;
  if (offer === undefined || decision.effect !== "review") return undefined;
  const statement = statementOf(request, offer.terms);
  const agreed = votes.filter((vote) => vote.verdict === "approve" && vote.grant?.digest === offer.digest);
  const life = grantLife({ statement, votes: agreed }, decision.approval, trust);
  if (life === undefined) return undefined;
  // One request makes one grant at most.
  const id = `grant_${statement.requestId.replace(/^req_/, "")}`;
  return { id, statement, votes: agreed, approval: decision.approval, ...life };
}

function statementOf(request: StoredRequest, terms: GrantTerms) {
  const { decision } = request;
  if (decision.effect !== "review") throw new CountersignError("grant_too_wide", "Nobody has to approve this.");
  const grantableRequest: GrantableRequest = { ...request, decision, facts: factsOf(request) };
  return grantStatement(grantableRequest, terms);
}

/** Facts are stored as JSON under a seal, which is the check beside the cast; what is none after all covers nothing. */
function factsOf({ facts }: StoredRequest): Facts {
  return facts as unknown as Facts;
}
