import * as rpc from "@countersign/rpc";
import type { Resolving } from "../../resolving.ts";
import type { Revoking } from "../../revoking.ts";
import type { ApproverApi } from "../approver-api.ts";
import { method } from "./method.ts";

/** Requests: looking, voting, taking back, clearing up doubts. */
export function requestMethods(api: ApproverApi, revoking: Revoking, resolving: Resolving) {
  return {
    getSession: method(rpc.GetSessionRequest, rpc.GetSessionResponse, (session) => api.session(session)),
    listRequests: method(rpc.ListRequestsRequest, rpc.ListRequestsResponse, ({ approver }, request) =>
      api.list(approver, request),
    ),
    getRequest: method(rpc.GetRequestRequest, rpc.GetRequestResponse, ({ approver }, { id }) => api.get(approver, id)),
    vote: method(rpc.VoteRequest, rpc.VoteResponse, ({ approver }, request) => api.vote(approver, request)),
    revoke: method(rpc.RevokeRequest, rpc.RevokeResponse, async ({ approver }, { id, reason }) => {
      await revoking.request(id, approver, reason);
      return api.get(approver, id);
    }),
    resolve: method(rpc.ResolveRequest, rpc.ResolveResponse, async ({ approver }, { id, happened, reason }) => {
      await resolving.resolve(id, approver, happened, reason);
      return api.get(approver, id);
    }),
  };
}
