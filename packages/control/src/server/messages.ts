import {
  type Approver,
  hidingWith,
  type Outcome,
  operationMessage,
  parameterReadings,
  shownOperation,
  shownStoredFacts,
  type Vote,
} from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type { Approvals } from "../approvals.ts";
import { deadline } from "../lifetime.ts";
import type { RequestOverview, StateEntry, StoredRequest } from "../stores/request-store.ts";
import { agreedMessage, boundsMessage } from "./grant-messages.ts";
import { planLines } from "./plan-lines.ts";
import { stateMessages } from "./state-messages.ts";

const verdictMessages = { approve: rpc.Verdict.APPROVE, deny: rpc.Verdict.DENY } as const;

/** A person or agent. */
export function principalMessage({ issuer, subject, groups }: Approver): rpc.Principal {
  return { issuer, subject, groups: [...groups] };
}

/** A request in a list, as one approver sees it. */
export function summaryMessage(request: RequestOverview, approver: Approver, approvals: Approvals): rpc.RequestSummary {
  return {
    id: request.binding.requestId,
    state: stateMessages[request.state],
    resource: request.action.resource,
    principal: principalMessage(request.action.principal),
    headline: request.headline,
    rules: [...request.decision.rules],
    createdMs: request.createdMs,
    expiresMs: deadline(request) ?? request.binding.expiry.pendingUntilMs,
    changedMs: request.changedMs,
    canVote: approvals.refusal(request, approver) === undefined,
    actionDigest: request.binding.actionDigest,
    brokeGlass: approvals.brokeGlass(request),
    reminded: approvals.reminded(request) || undefined,
    reviewDueMs: approvals.reviewDueMs(request),
  };
}

/** A request whole, as one approver sees it. */
export function detailMessage(
  request: StoredRequest,
  history: readonly StateEntry[],
  approver: Approver,
  approvals: Approvals,
): rpc.RequestDetail {
  const { action, binding } = request;
  const { rows = 0, bytes = 0, timeMs = 0 } = binding.limits;
  const hide = hidingWith(request.hidingSalt);
  return {
    summary: summaryMessage(request, approver, approvals),
    operation: operationMessage(shownOperation(action.operation, hide)),
    reason: request.reason,
    session: request.session,
    role: action.role,
    target: { ...action.target },
    actionDigest: binding.actionDigest,
    requestDigest: request.requestDigest,
    policyDigest: binding.policyDigest,
    limits: { rows, bytes, timeMs },
    requirements: approvals.progress(request).requirements.map(({ requirement, stages, satisfied }) => ({
      rule: requirement.rule,
      satisfied,
      stages: stages.map((one) => ({
        approvers: [...approvals.askedNow(one)],
        count: one.stage.count,
        approved: one.approved,
        escalations: (one.stage.escalate ?? []).map(({ afterMs, to }) => ({
          fromMs: one.sinceMs === undefined ? 0 : one.sinceMs + afterMs,
          approvers: [...to],
        })),
      })),
    })),
    votes: request.votes.map((vote) => voteMessage(request, vote)),
    outcome: request.outcome === undefined ? undefined : outcomeMessage(request.outcome, binding.requestId),
    factsJson: JSON.stringify(shownStoredFacts(request.facts, hide)),
    validForSeconds: Math.floor(binding.expiry.validForMs / 1000),
    cannotVoteReason: approvals.refusal(request, approver)?.message ?? "",
    history: history.map(({ state, timeMs, by }) => ({ state: stateMessages[state], timeMs, by })),
    ...{
      replacedBy: request.outcome?.replacedBy ?? "",
      replaces: request.replaces?.requestId ?? "",
      replacesWhy: request.replaces?.why ?? "",
      grants: boundsMessage(request),
      mayBreakGlass: approvals.mayBreakGlass(request, approver),
    },
    ...{ evidence: undefined, past: [], plan: planLines(request), parameterReadings: readingsOf(request) },
  };
}

function readingsOf({ action: { operation } }: StoredRequest): rpc.ParameterReading[] {
  return operation.kind === "postgres.query" ? [...parameterReadings(operation)] : [];
}

function voteMessage(request: StoredRequest, vote: Vote): rpc.CastVote {
  const { approver, verdict, comment, timeMs, breakGlass } = vote;
  return {
    approver: principalMessage(approver),
    verdict: verdictMessages[verdict],
    comment,
    timeMs,
    actingFor: (approver.actingFor ?? []).map(({ subject }) => subject),
    breakGlass: breakGlass === true,
    grant: agreedMessage(request, vote),
  };
}

/** The receipt is the sidecar's to give: it is not stored here. */
function outcomeMessage(outcome: Outcome, requestId: string): rpc.Outcome {
  const { failure } = outcome;
  return {
    state: stateMessages[outcome.state],
    error: failure && { ...failure, requestId, targetCode: failure.targetCode ?? "" },
    commandTag: outcome.commandTag ?? "",
    rows: outcome.rows,
    rowsAffected: outcome.rowsAffected ?? 0,
    bytes: outcome.bytes,
    durationMs: Math.round(outcome.durationMs),
    receipt: undefined,
    exitCode: outcome.exit && "code" in outcome.exit ? outcome.exit.code : undefined,
    signal: outcome.exit && "signal" in outcome.exit ? outcome.exit.signal : "",
    status: outcome.status ?? 0,
  };
}
