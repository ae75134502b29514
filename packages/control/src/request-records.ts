import type { RecordDraft } from "@countersign/audit";
import { type Approver, askedPayload, type Json, type Outcome, type RequestDraft, type RequestState } from "@countersign/policy";
import { about, voter } from "./records.ts";
import type { Opening, RequestOverview } from "./stores/request-store.ts";

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

/** An approver takes back one request. */
export function revocationRecord(request: RequestOverview, by: Approver, reason: string, timeMs: number): RecordDraft {
  return { type: "revocation", timeMs, ...about(request), detail: { by: voter(by) }, payload: Buffer.from(reason) };
}

/** An approver cuts a session that is the work of no request. */
export function sessionCutRecord(
  { id, principal, resource }: { readonly id: string } & Required<Pick<RecordDraft, "principal" | "resource">>,
  by: Approver,
  reason: string,
  timeMs: number,
): RecordDraft {
  const about = { request: id, principal, resource };
  return { type: "revocation", timeMs, ...about, detail: { by: voter(by) }, payload: Buffer.from(reason) };
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
