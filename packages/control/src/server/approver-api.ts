import { type Approver, CountersignError, type PolicyStatusFeed, type RequestState } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type { Approvals, VoteAttempt } from "../approvals.ts";
import type { EvidenceDesk } from "../evidence.ts";
import type { ApproverSession } from "../identity.ts";
import type { PastDecisions } from "../past-decisions.ts";
import type { Position, StateEntry, StoredRequest } from "../stores/request-store.ts";
import { evidenceMessage, pastMessage } from "./evidence-message.ts";
import { termsOf } from "./grant-messages.ts";
import { merged } from "./merged.ts";
import { detailMessage, principalMessage, summaryMessage } from "./messages.ts";
import { longestPage, pageSize, positionOf, tokenAfter } from "./page-token.ts";
import { policyMessage } from "./policy-message.ts";
import { stateMessages } from "./state-messages.ts";

/** What an approver can do, in the wire's messages: the one implementation behind gRPC and the console's HTTP. */
export class ApproverApi {
  readonly #approvals: Approvals;
  readonly #evidence: EvidenceDesk;
  readonly #past: PastDecisions;
  readonly #policy: PolicyStatusFeed | undefined;

  /** @param policy the policy's status, where this process knows it. */
  constructor(
    {
      approvals,
      evidence,
      past,
    }: { readonly approvals: Approvals; readonly evidence: EvidenceDesk; readonly past: PastDecisions },
    policy?: PolicyStatusFeed,
  ) {
    this.#approvals = approvals;
    this.#evidence = evidence;
    this.#past = past;
    this.#policy = policy;
  }

  session({ approver, expiresMs }: ApproverSession): rpc.GetSessionResponse {
    return { approver: principalMessage(approver), expiresMs };
  }

  /** @throws {CountersignError} `invalid_request` for an unknown state, a page size over 200 or a page token that is none. */
  async list(approver: Approver, request: rpc.ListRequestsRequest): Promise<rpc.ListRequestsResponse> {
    const states = request.states.length === 0 ? allStates : request.states.map(stateOf);
    const size = pageSize(request.pageSize);
    const after = positionOf(request.pageToken);
    const page = await this.#approvals.list({ states: [...new Set(states)], ...(after && { after }) }, size);
    const last = page.at(-1);
    return {
      requests: page.map((one) => summaryMessage(one, approver, this.#approvals)),
      nextPageToken: page.length < size ? "" : tokenAfter(last && { createdMs: last.createdMs, id: last.binding.requestId }),
    };
  }

  /** @throws {CountersignError} `not_found`. */
  async get(approver: Approver, id: string): Promise<rpc.GetRequestResponse> {
    const { request, history } = await this.#approvals.get(id);
    return this.#detail(approver, request, history);
  }

  async #detail(approver: Approver, request: StoredRequest, history: readonly StateEntry[]): Promise<rpc.GetRequestResponse> {
    const detail = detailMessage(request, history, approver, this.#approvals);
    const [evidence, past] = await Promise.all([this.#evidence.of(request), this.#past.before(request)]);
    return { request: { ...detail, evidence: evidence && evidenceMessage(evidence), past: past.map(pastMessage) } };
  }

  /** @throws {CountersignError} as {@link Approvals.vote}. */
  async vote(approver: Approver, message: rpc.VoteRequest): Promise<rpc.VoteResponse> {
    const { id, requestDigest, verdict, comment, breakGlass, grant, struck } = message;
    if (verdict !== rpc.Verdict.APPROVE && verdict !== rpc.Verdict.DENY) {
      throw new CountersignError("invalid_request", "The verdict has to be approve or deny.");
    }
    const attempt: VoteAttempt = {
      ...{ requestDigest, verdict: verdict === rpc.Verdict.APPROVE ? "approve" : "deny", comment },
      ...(breakGlass && { breakGlass }),
      ...(grant && { grant: termsOf(grant) }),
      ...(struck.length > 0 && { struck }),
    };
    const request = await this.#approvals.vote(id, attempt, approver);
    return this.#detail(approver, request, await this.#approvals.history(id));
  }

  /**
   * The policy's status and the pending requests, newest first, then each status that follows and each request that is opened or changes,
   * until the signal aborts.
   */
  inbox(approver: Approver, signal: AbortSignal): AsyncGenerator<rpc.WatchInboxResponse> {
    const sources = [
      (ending: AbortSignal) => this.#policyChanges(ending),
      (ending: AbortSignal) => this.#requests(approver, ending),
    ];
    return merged(sources, signal);
  }

  async *#policyChanges(signal: AbortSignal): AsyncGenerator<rpc.WatchInboxResponse> {
    if (this.#policy === undefined) return;
    for await (const status of this.#policy.follow(signal)) yield { request: undefined, policy: policyMessage(status) };
  }

  async *#requests(approver: Approver, signal: AbortSignal): AsyncGenerator<rpc.WatchInboxResponse> {
    let first = true;
    for await (const changed of this.#approvals.changes(signal)) {
      if (first) yield* this.#pending(approver, signal);
      first = false;
      const ids = [...changed];
      for (let from = 0; from < ids.length && !signal.aborted; from += longestPage) {
        const some = await this.#approvals.list({ ids: ids.slice(from, from + longestPage) }, longestPage);
        for (const one of some) yield { request: summaryMessage(one, approver, this.#approvals), policy: undefined };
      }
    }
  }

  async *#pending(approver: Approver, signal: AbortSignal): AsyncGenerator<rpc.WatchInboxResponse> {
    let after: Position | undefined;
    while (!signal.aborted) {
      const page = await this.#approvals.list({ states: ["pending"], ...(after === undefined ? {} : { after }) }, longestPage);
      for (const one of page) yield { request: summaryMessage(one, approver, this.#approvals), policy: undefined };
      const last = page.at(-1);
      if (last === undefined || page.length < longestPage) return;
      after = { createdMs: last.createdMs, id: last.binding.requestId };
    }
  }
}

const statesByMessage = new Map<rpc.RequestState, RequestState>();
for (const [state, message] of Object.entries(stateMessages)) {
  if (state in stateMessages) statesByMessage.set(message, state as RequestState);
}
const allStates = [...statesByMessage.values()];

function stateOf(message: rpc.RequestState): RequestState {
  const state = statesByMessage.get(message);
  if (state === undefined)
    throw new CountersignError("invalid_request", "One of the states is none. Use e.g. REQUEST_STATE_PENDING.");
  return state;
}
