import type { AuditLog, Durability, RecordDraft } from "@countersign/audit";
import {
  type Approver,
  askedPayload,
  CountersignError,
  type ErrorCode,
  type Json,
  type LockTarget,
  type Outcome,
  type RequestDraft,
  type RequestState,
  type Vote,
  type Voter,
} from "@countersign/policy";
import type { Opening, RequestOverview } from "./stores/request-store.ts";

/** What is kept of a refused edit: what was too large to accept is not worth a disk either. */
const refusedPayloadBytes = 64 * 1024;

/** The name under which the control plane writes. */
const writer = "control";

/**
 * Puts records on disk before anything changes: what cannot be recorded does not happen.
 *
 * @throws {CountersignError} `audit_unavailable`.
 */
export async function record(log: AuditLog, records: readonly RecordDraft[], durability: Durability = "durable"): Promise<void> {
  if (records.length === 0) return;
  try {
    await log.append(writer, records, durability);
  } catch (cause) {
    throw new CountersignError(
      "audit_unavailable",
      "The audit log cannot be written, so nothing was changed. Check the disk that holds the data folder, then try again.",
      { retryable: true, cause },
    );
  }
}

/** What every record about a request says of it. */
export function about(request: Pick<RequestOverview, "binding" | "action">) {
  const { requestId, actionDigest, policyDigest } = request.binding;
  const { issuer, subject, groups } = request.action.principal;
  return {
    request: requestId,
    action: actionDigest,
    policy: policyDigest,
    principal: { issuer, subject, groups },
    resource: request.action.resource,
  };
}

/** A request was opened. What was asked is the payload: encrypted and erasable, the record holds its salted hash. */
export function requestRecord({ draft, state, timeMs }: Omit<Opening, "wakeMs">): RecordDraft {
  const { binding, decision, action } = draft;
  return {
    type: "request",
    timeMs,
    ...about(draft),
    detail: {
      state,
      effect: decision.effect,
      rules: decision.rules,
      role: action.role,
      target: action.target,
      ...(decision.lines && { lines: linesDetail(draft) }),
      requestDigest: draft.requestDigest,
      limits: { ...binding.limits },
      expiry: { ...binding.expiry },
      nonce: binding.nonce,
      sidecar: draft.sidecar,
      durable: draft.durable,
      ...(draft.owner === undefined ? {} : { owner: draft.owner }),
      ...(draft.grant && { grant: draft.grant.grantId, use: draft.grant.use }),
      ...(draft.replaces === undefined ? {} : { replaces: draft.replaces.requestId }),
      ...(decision.effect === "review"
        ? {
            requirements: decision.approval.requirements.map(({ rule, stages, breakGlass }) => ({
              rule,
              ...(breakGlass && { breakGlass: { ...breakGlass } }),
              stages: stages.map(({ approvers, count, escalate }) => ({
                approvers,
                count,
                ...(escalate === undefined ? {} : { escalate: escalate.map(({ afterMs, to }) => ({ afterMs, to })) }),
              })),
            })),
          }
        : {}),
    },
    payload: askedPayload({ operation: action.operation, reason: draft.reason, session: draft.session }),
  };
}

/** What was decided on each line of a plan, and what it is tied to. */
function linesDetail({ action, decision }: Opening["draft"]): Json {
  const { operation, lines = [] } = action;
  return lines.map(({ target, role, limits }, index) => ({
    resource: operation.kind === "plan" ? (operation.lines[index]?.resource ?? "") : action.resource,
    effect: decision.lines?.[index]?.effect ?? "deny",
    rules: decision.lines?.[index]?.rules ?? [],
    ...{ role, target, limits: { ...limits } },
  }));
}

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

/** A change of state. */
export function stateRecord(
  request: RequestOverview,
  change: { readonly to: RequestState; readonly by: string; readonly timeMs: number; readonly outcome?: Outcome },
): RecordDraft {
  return {
    type: "state",
    timeMs: change.timeMs,
    ...about(request),
    detail: {
      from: request.state,
      to: change.to,
      by: change.by,
      ...(change.outcome?.failure === undefined ? {} : { code: change.outcome.failure.code }),
      ...(change.outcome?.replacedBy === undefined ? {} : { replacedBy: change.outcome.replacedBy }),
      ...(change.outcome?.plan && { plan: { ...change.outcome.plan } }),
    },
  };
}

/** Nobody answered in time, so that more people are asked. */
export function escalationRecord(request: RequestOverview, to: readonly string[], timeMs: number): RecordDraft {
  return { type: "escalation", timeMs, ...about(request), detail: { to } };
}

/** Nobody has answered: those who are asked were reminded, so many times by now. */
export function reminderRecord(request: RequestOverview, count: number, timeMs: number): RecordDraft {
  return { type: "reminder", timeMs, ...about(request), detail: { count } };
}

/** What an approver would rather have run; the changed operation is the payload. */
interface Edited {
  readonly requestDigest: string;
  readonly operation: RequestDraft["action"]["operation"];
  readonly comment: string;
}

/** An approver put a changed operation in the place of a held one. */
export function editRecord(
  request: RequestOverview,
  draft: RequestDraft,
  edit: Edited,
  by: Approver,
  timeMs: number,
): RecordDraft {
  const { requestId, actionDigest, policyDigest } = draft.binding;
  const { effect, rules } = draft.decision;
  const now = {
    request: requestId,
    requestDigest: draft.requestDigest,
    action: actionDigest,
    policy: policyDigest,
    effect,
    rules,
  };
  const detail = { accepted: true, by: voter(by), requestDigest: request.requestDigest, now };
  return { type: "edit", timeMs, ...about(request), detail, payload: editPayload(edit) };
}

/** An edit that was refused, and why. */
export function refusedEditRecord(
  request: RequestOverview,
  edit: Edited,
  by: Approver,
  code: ErrorCode,
  timeMs: number,
): RecordDraft {
  const requestDigest = edit.requestDigest.slice(0, 80).toWellFormed();
  const payload = editPayload(edit);
  const detail = { accepted: false, code, by: voter(by), requestDigest };
  return { type: "edit", timeMs, ...about(request), detail, ...(payload.length <= refusedPayloadBytes && { payload }) };
}

function editPayload({ operation, comment }: Edited): Buffer {
  return Buffer.from(JSON.stringify({ operation, comment }));
}

/** An approver takes back one request. */
export function revocationRecord(request: RequestOverview, by: Approver, reason: string, timeMs: number): RecordDraft {
  return { type: "revocation", timeMs, ...about(request), detail: { by: voter(by) }, payload: Buffer.from(reason) };
}

/** An approver says what became of a request where the target could not tell. */
export function resolutionRecord(
  request: RequestOverview,
  by: Approver,
  happened: boolean,
  reason: string,
  timeMs: number,
): RecordDraft {
  return { type: "resolution", timeMs, ...about(request), detail: { by: voter(by), happened }, payload: Buffer.from(reason) };
}

/** Everything of a caller, an approver or a resource was locked, the lock was lifted, or its row was missing and is there again. */
export function lockRecord(
  lock: { readonly id: string; readonly target: LockTarget; readonly reason: string },
  change: "locked" | "lifted" | "restored",
  by: Approver,
  timeMs: number,
): RecordDraft {
  const { id, target, reason } = lock;
  return {
    type: "lock",
    timeMs,
    ...(target.type === "resource" ? { resource: target.resource } : {}),
    detail: { lock: id, change, target: { ...target }, by: voter(by) },
    payload: Buffer.from(reason),
  };
}

/** Somebody began to vote for somebody else, or ceased to. */
export function delegationRecord(
  delegation: {
    readonly id: string;
    readonly from: Voter;
    readonly to: string;
    readonly fromMs: number;
    readonly untilMs: number;
    readonly reason: string;
  },
  change: "made" | "ended",
  by: Approver,
  timeMs: number,
): RecordDraft {
  const { id, from, to, fromMs, untilMs, reason } = delegation;
  const detail = { delegation: id, change, from: from.subject, to, fromMs, untilMs, by: voter(by) };
  return { type: "delegation", timeMs, detail, payload: Buffer.from(reason) };
}

function voter({ issuer, subject, groups }: Approver) {
  return { issuer, subject, groups };
}

/** The review of an emergency was opened, is overdue, was closed, is void because the vote could not be stored, or was missing and is there again. */
export function reviewRecord(
  review: {
    readonly requestId: string;
    readonly resource: string;
    readonly dueMs: number;
    readonly by: readonly Pick<Voter, "subject">[];
  },
  change: "opened" | "overdue" | "closed" | "void" | "restored",
  by: string,
  text: string,
  timeMs: number,
): RecordDraft {
  const { requestId, resource, dueMs } = review;
  const detail = { change, by, brokenBy: review.by.map(({ subject }) => subject), dueMs };
  return { type: "review", timeMs, request: requestId, resource, detail, payload: Buffer.from(text) };
}

/** All that a ballot says of its voter, so that its signature can be checked again. */
function balloter(approver: Approver) {
  const { issuer, actingFor } = approver;
  return { issuer, ...person(approver), ...(actingFor && { actingFor: actingFor.map(person) }) };
}

function person({ subject, groups, accounts }: Voter) {
  return { subject, groups, ...(accounts && { accounts }) };
}

/** A claim that the store's state would let through, but the signed votes do not. */
export function refusedClaimRecord(request: RequestOverview, sidecar: string, timeMs: number): RecordDraft {
  return { type: "refusal", timeMs, ...about(request), detail: { what: "claim", sidecar, reason: "votes_do_not_verify" } };
}

/** A call that was not held, because nobody could ever have approved it. */
export function unanswerableRecord(draft: RequestDraft, message: string, timeMs: number): RecordDraft {
  const { action, reason, session, decision } = draft;
  return {
    type: "refusal",
    timeMs,
    ...about(draft),
    detail: { code: "nobody_can_approve", effect: decision.effect, rules: decision.rules, message },
    payload: askedPayload({ operation: action.operation, reason, session }),
  };
}

/** Someone signed in, or tried to. */
export function signInRecord(attempt: { readonly approver?: Approver; readonly timeMs: number }): RecordDraft {
  const { approver, timeMs } = attempt;
  if (approver === undefined) return { type: "sign-in", timeMs, detail: { accepted: false, method: "one-time-link" } };
  const { issuer, subject, groups } = approver;
  return { type: "sign-in", timeMs, detail: { accepted: true, method: "one-time-link", approver: { issuer, subject, groups } } };
}
