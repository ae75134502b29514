import {
  type Ballot,
  isGrantOffer,
  type Outcome,
  type PlanCourse,
  personOf,
  type RequestDraft,
  type RequestEvent,
  type Vote,
} from "@countersign/policy";
import type { Selectable } from "kysely";
import { fingerprintOf, likenessKey } from "../likeness.ts";
import type { Opening, RequestOverview, StoredRequest } from "./request-store.ts";
import type { EventTable, RequestTable, VoteTable } from "./schema.ts";
import type { Seal } from "./seal.ts";

/** What is sealed in `head`. */
type Head = Omit<RequestDraft, "action" | "facts"> & {
  readonly action: Omit<RequestDraft["action"], "operation">;
  readonly headline: string;
  /** Absent in requests of before, and where there is none. */
  readonly fingerprint?: string;
};
/** What is sealed in `body`. */
type Body = { readonly operation: RequestDraft["action"]["operation"]; readonly facts: RequestDraft["facts"] };

type RequestRow = Selectable<RequestTable>;
type OverviewRow = Omit<RequestRow, "body">;
type StatusRow = Pick<RequestRow, "id" | "state" | "valid_until_ms" | "outcome">;
type VoteRow = Selectable<VoteTable>;
type EventRow = Selectable<EventTable>;

/** The row of a new request. */
export function requestRow({ draft, headline, state, timeMs, by, validUntilMs, wakeMs }: Opening, seal: Seal): RequestRow {
  const { action, facts, ...rest } = draft;
  const { operation, ...target } = action;
  const { requestId: id } = draft.binding;
  const fingerprint = fingerprintOf(facts);
  const head: Head = { ...rest, action: target, headline, ...(fingerprint === undefined ? {} : { fingerprint }) };
  const body: Body = { operation, facts };
  return {
    id,
    state,
    revision: 1,
    sequence: 1,
    created_ms: timeMs,
    changed_ms: timeMs,
    changed_by: by,
    wake_ms: wakeMs,
    escalated_ms: 0,
    valid_until_ms: validUntilMs ?? null,
    sidecar: draft.sidecar,
    principal_issuer: action.principal.issuer,
    principal_subject: action.principal.subject,
    idempotency_key: draft.idempotencyKey ?? null,
    likeness: fingerprint === undefined ? null : likenessKey({ resource: action.resource, fingerprint }),
    head: seal.seal(`${id}/head`, head),
    body: seal.seal(`${id}/body`, body),
    outcome: null,
    course: null,
  };
}

/** The row of a vote; its time is that of its event. */
export function voteRow({ signature, ...ballot }: Vote, sequence: number): VoteRow {
  return {
    request_id: ballot.requestId,
    person: personOf(ballot.approver),
    sequence,
    ballot: JSON.stringify(ballot),
    signature: signature.value,
  };
}

/** A sealed outcome. */
export function outcomeColumn(id: string, outcome: Outcome, seal: Seal): Uint8Array {
  return seal.seal(`${id}/outcome`, outcome);
}

/** How far a plan has come, sealed. */
export function courseColumn(id: string, course: PlanCourse, seal: Seal): Uint8Array {
  return seal.seal(`${id}/course`, course);
}

/** A request without operation and facts. The seal is the check beside the casts: only this program, with its key, wrote these texts. */
export function overview(row: OverviewRow, votes: readonly VoteRow[], seal: Seal): RequestOverview {
  const head = seal.open(`${row.id}/head`, row.head) as Head;
  return {
    ...head,
    state: row.state,
    revision: row.revision,
    sequence: row.sequence,
    createdMs: row.created_ms,
    changedMs: row.changed_ms,
    changedBy: row.changed_by,
    ...(row.wake_ms === null ? {} : { wakeMs: row.wake_ms }),
    escalatedMs: row.escalated_ms,
    ...(row.valid_until_ms === null ? {} : { validUntilMs: row.valid_until_ms }),
    ...(row.outcome === null ? {} : { outcome: seal.open(`${row.id}/outcome`, row.outcome) as Outcome }),
    ...(row.course === null ? {} : { course: seal.open(`${row.id}/course`, row.course) as PlanCourse }),
    votes: votes.map(vote),
  };
}

/** A request whole. */
export function storedRequest(row: RequestRow, votes: readonly VoteRow[], seal: Seal): StoredRequest {
  const { operation, facts } = seal.open(`${row.id}/body`, row.body) as Body;
  const { action, ...rest } = overview(row, votes, seal);
  return { ...rest, action: { ...action, operation }, facts };
}

/**
 * What watchers are told by a row; undefined for what is no event. `ended` tells how the request stands now: a doubt that was resolved since is
 * not told as a doubt.
 */
export function requestEvent(row: EventRow, request: StatusRow, votes: readonly VoteRow[], seal: Seal): RequestEvent | undefined {
  const at = { sequence: row.sequence, timeMs: row.time_ms };
  switch (row.type) {
    case "pending":
    case "executing":
      return { ...at, type: row.type };
    case "approved":
      return { ...at, type: row.type, validUntilMs: request.valid_until_ms ?? row.time_ms };
    case "vote": {
      const cast = votes.find((one) => one.sequence === row.sequence);
      return cast === undefined ? undefined : { ...at, type: row.type, vote: vote(cast) };
    }
    case "escalated":
      return { ...at, type: row.type, to: names(row.detail ?? "[]") };
    case "ended":
      return request.outcome === null
        ? undefined
        : { ...at, type: row.type, outcome: seal.open(`${request.id}/outcome`, request.outcome) as Outcome };
    case "resolved":
      return undefined;
  }
}

/** A vote as it stands in the row, right or wrong: whoever counts it checks its signature first. */
function vote(row: VoteRow): Vote {
  return { ...ballotOf(row), signature: { type: "session", value: row.signature } };
}

/** A row that was changed so that it holds no ballot becomes one that no signature fits. */
function ballotOf({ request_id, person, ballot }: VoteRow): Ballot {
  try {
    const value: unknown = JSON.parse(ballot);
    if (isBallot(value)) return value;
  } catch {
    // Not even JSON.
  }
  const approver = { issuer: "", subject: person, groups: [] };
  return { requestId: request_id, requestDigest: "sha256:", approver, verdict: "deny", comment: "", timeMs: 0 };
}

function isBallot(value: unknown): value is Ballot {
  if (!isObject(value) || !isObject(value.approver)) return false;
  const { approver, requestId, requestDigest, verdict, comment, timeMs, breakGlass, grant, struck = [] } = value;
  const { actingFor = [] } = approver;
  return (
    [requestId, requestDigest, comment, approver.issuer].every((one) => typeof one === "string") &&
    (verdict === "approve" || verdict === "deny") &&
    (breakGlass === undefined || breakGlass === true) &&
    (grant === undefined || isGrantOffer(grant)) &&
    Array.isArray(struck) &&
    struck.every(Number.isSafeInteger) &&
    Number.isSafeInteger(timeMs) &&
    isVoter(approver) &&
    Array.isArray(actingFor) &&
    actingFor.every(isVoter)
  );
}

function isVoter(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { subject, groups, accounts = [] } = value;
  return typeof subject === "string" && isNames(groups) && isNames(accounts);
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function names(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return isNames(value) ? value : [];
  } catch {
    // A changed row: no groups, and a signature that no longer fits.
    return [];
  }
}
