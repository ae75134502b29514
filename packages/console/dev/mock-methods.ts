import * as rpc from "@countersign/rpc";
import { madeUpDelegations, madeUpGrants, madeUpLocks, madeUpReviews } from "./standing-fixtures.ts";

/** What of the mock the methods change. */
export interface MockRequests {
  readonly requests: Map<string, rpc.RequestDetail>;
  move(id: string, state: rpc.RequestState, by: string): void;
  ask(sketch: number): string;
  now(): number;
}

/** A refusal by the mock. */
export class MockRefusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const me = "alice";

/** The methods that are called by name, over made-up standing things. */
export class MockMethods {
  readonly grants: rpc.Grant[];
  readonly locks: rpc.ActiveLock[];
  readonly delegations: rpc.Delegation[];
  readonly reviews: rpc.EmergencyReview[];
  readonly #mock: MockRequests;

  constructor(mock: MockRequests) {
    this.#mock = mock;
    const nowMs = mock.now();
    this.grants = madeUpGrants(nowMs);
    this.locks = madeUpLocks(nowMs);
    this.delegations = madeUpDelegations(nowMs);
    this.reviews = madeUpReviews(nowMs);
  }

  /** Answers a call. @throws {MockRefusal} */
  call(name: string, body: unknown): unknown {
    const method = this.#methods[name];
    if (method === undefined) throw new MockRefusal("not_found", "There is no such method.");
    return method(body);
  }

  readonly #methods: Readonly<Record<string, (body: unknown) => unknown>> = {
    listGrants: (body) => {
      const { activeOnly } = rpc.ListGrantsRequest.fromJSON(body);
      const grants = this.grants.filter((one) => one.active || !activeOnly);
      return rpc.ListGrantsResponse.toJSON({ grants, nextPageToken: "" });
    },
    revokeGrant: (body) => {
      const { id, reason } = rpc.RevokeGrantRequest.fromJSON(body);
      const grant = Object.assign(found(this.grants, id), { active: false, revokedReason: needed(reason) });
      return rpc.RevokeGrantResponse.toJSON({ grant });
    },
    listLocks: () => rpc.ListLocksResponse.toJSON({ locks: this.locks }),
    lock: (body) => {
      const { target, reason } = rpc.LockRequest.fromJSON(body);
      const lock = { id: `lock_${this.locks.length}n`, target, by: me, reason: needed(reason), createdMs: this.#mock.now() };
      this.locks.unshift(lock);
      return rpc.LockResponse.toJSON({ lock });
    },
    liftLock: (body) => {
      const { id, reason } = rpc.LiftLockRequest.fromJSON(body);
      const lock = found(this.locks, id);
      needed(reason);
      this.locks.splice(this.locks.indexOf(lock), 1);
      return rpc.LiftLockResponse.toJSON({ lock });
    },
    listDelegations: () => rpc.ListDelegationsResponse.toJSON({ delegations: this.delegations }),
    delegate: (body) => {
      const { to, fromMs, untilMs, reason } = rpc.DelegateRequest.fromJSON(body);
      if (to !== "bob" && to !== "carol") throw new MockRefusal("invalid_request", `There is no approver "${to}".`);
      const delegation = {
        id: `delegation_${this.delegations.length}n`,
        from: me,
        to,
        fromMs: fromMs || this.#mock.now(),
        untilMs,
        reason,
      };
      this.delegations.unshift(delegation);
      return rpc.DelegateResponse.toJSON({ delegation });
    },
    endDelegation: (body) => {
      const delegation = found(this.delegations, rpc.EndDelegationRequest.fromJSON(body).id);
      this.delegations.splice(this.delegations.indexOf(delegation), 1);
      return rpc.EndDelegationResponse.toJSON({ delegation });
    },
    listReviews: () => rpc.ListReviewsResponse.toJSON({ reviews: this.reviews }),
    closeReview: (body) => {
      const { requestId, finding } = rpc.CloseReviewRequest.fromJSON(body);
      const review = this.reviews.find((one) => one.requestId === requestId);
      if (review === undefined) throw new MockRefusal("not_found", "There is no such review.");
      if (review.by === me) throw new MockRefusal("not_an_approver", "You broke the glass.");
      Object.assign(review, { closedBy: me, finding: needed(finding) });
      return rpc.CloseReviewResponse.toJSON({ review });
    },
    revoke: (body) => {
      const { id, reason } = rpc.RevokeRequest.fromJSON(body);
      const request = this.#request(id);
      needed(reason);
      // What nobody had agreed to is only asked for no more.
      const { CANCELLED, PENDING, REVOKED } = rpc.RequestState;
      this.#mock.move(id, request.summary?.state === PENDING ? CANCELLED : REVOKED, me);
      return rpc.RevokeResponse.toJSON({ request });
    },
    resolve: (body) => {
      const { id, happened, reason } = rpc.ResolveRequest.fromJSON(body);
      const request = this.#request(id);
      needed(reason);
      this.#mock.move(id, happened ? rpc.RequestState.SUCCEEDED : rpc.RequestState.FAILED, me);
      return rpc.ResolveResponse.toJSON({ request });
    },
    proposeEdit: (body) => {
      const { id, requestDigest, operation, comment } = rpc.ProposeEditRequest.fromJSON(body);
      const old = this.#request(id);
      if (requestDigest !== old.requestDigest) throw new MockRefusal("digest_mismatch", "Your edit was over another digest.");
      const request = this.#request(this.#mock.ask(0));
      Object.assign(request, { operation, replaces: id, replacesWhy: `Edited by ${me}: ${needed(comment)}` });
      old.replacedBy = request.summary?.id ?? "";
      this.#mock.move(id, rpc.RequestState.CANCELLED, me);
      return rpc.ProposeEditResponse.toJSON({ request });
    },
  };

  #request(id: string): rpc.RequestDetail {
    const request = this.#mock.requests.get(id);
    if (request === undefined) throw new MockRefusal("not_found", "There is no such request.");
    return request;
  }
}

function found<T extends { readonly id: string }>(list: readonly T[], id: string): T {
  const one = list.find((other) => other.id === id);
  if (one === undefined) throw new MockRefusal("not_found", "There is no such thing.");
  return one;
}

function needed(reason: string): string {
  if (reason.trim() === "") throw new MockRefusal("reason_required", "Say why.");
  return reason;
}
