import * as rpc from "@countersign/rpc";
import type { Grants } from "../../grants.ts";
import { grantMessage } from "../grant-messages.ts";
import { pageSize, positionOf, tokenAfter } from "../page-token.ts";
import { method } from "./method.ts";

/** Standing approvals. They are made by votes. */
export function grantMethods(grants: Grants) {
  return {
    listGrants: method(rpc.ListGrantsRequest, rpc.ListGrantsResponse, async (_, request) => {
      const size = pageSize(request.pageSize);
      const after = positionOf(request.pageToken);
      const page = await grants.list({ ...(request.activeOnly && { active: true }), ...(after && { after }) }, size);
      const messages = page.map((grant) => grantMessage(grant, grants));
      return {
        // Those whose time is up may not be written down as ended yet.
        grants: messages.filter(({ active }) => active || !request.activeOnly),
        nextPageToken: page.length < size ? "" : tokenAfter(page.at(-1)),
      };
    }),
    revokeGrant: method(rpc.RevokeGrantRequest, rpc.RevokeGrantResponse, async ({ approver }, { id, reason }) => ({
      grant: grantMessage(await grants.revoke(id, approver, reason), grants),
    })),
  };
}
