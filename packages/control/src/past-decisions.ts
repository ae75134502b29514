import { isFinal, type RequestState, type Vote } from "@countersign/policy";
import type { Position, RequestOverview, RequestStore } from "./stores/request-store.ts";

/** How an earlier request ended. */
export interface PastDecision {
  readonly id: string;
  readonly state: RequestState;
  /** Who asked. */
  readonly subject: string;
  readonly votes: readonly Vote[];
  readonly createdMs: number;
}

/** How many are shown. */
const most = 5;
/** How many are looked at: some may have been allowed without a person. */
const considered = 40;
/** How many are read at a time: mostly all of them count. */
const page = 8;

/** How people decided on earlier requests that are alike: the same operation but for its values, on the same resource. */
export class PastDecisions {
  readonly #store: Pick<RequestStore, "list">;
  readonly #verify: (vote: Vote) => boolean;

  /** @param verify whether a vote's signature is right. */
  constructor(store: Pick<RequestStore, "list">, verify: (vote: Vote) => boolean) {
    this.#store = store;
    this.#verify = verify;
  }

  /** Those that were asked before a request, the newest first. */
  async before(request: RequestOverview): Promise<readonly PastDecision[]> {
    const { fingerprint, action, createdMs, binding } = request;
    if (fingerprint === undefined) return [];
    const like = { resource: action.resource, fingerprint };
    const decisions: PastDecision[] = [];
    let before: Position = { createdMs, id: binding.requestId };
    for (let looked = 0; looked < considered && decisions.length < most; looked += page) {
      const found = await this.#store.list({ like, before }, page);
      const decided = found.filter(
        // A column may have been changed from outside, so that somebody's yes to something else looks like one to this: what is sealed counts.
        (one) => one.fingerprint === fingerprint && one.action.resource === action.resource && one.decision.effect === "review",
      );
      decisions.push(...decided.flatMap((one) => this.#decision(one)));
      const last = found.at(-1);
      if (last === undefined || found.length < page) break;
      before = { createdMs: last.createdMs, id: last.binding.requestId };
    }
    return decisions.slice(0, most);
  }

  /** By its sealed outcome and its signed votes, not by its state's column. */
  #decision({ binding, action, outcome, votes, requestDigest, createdMs }: RequestOverview): readonly PastDecision[] {
    if (outcome === undefined || !isFinal(outcome.state)) return [];
    const { requestId: id } = binding;
    const signed = votes.filter((vote) => vote.requestId === id && vote.requestDigest === requestDigest && this.#verify(vote));
    return [{ id, state: outcome.state, subject: action.principal.subject, votes: signed, createdMs }];
  }
}
