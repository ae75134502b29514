import * as rpc from "@countersign/rpc";
import type { Delegation, Delegations } from "../../delegations.ts";
import { method } from "./method.ts";

/** Who votes for whom. */
export function delegationMethods(delegations: Delegations) {
  return {
    listDelegations: method(rpc.ListDelegationsRequest, rpc.ListDelegationsResponse, () => ({
      delegations: delegations.list().map(delegationMessage),
    })),
    delegate: method(rpc.DelegateRequest, rpc.DelegateResponse, async ({ approver }, { to, fromMs, untilMs, reason }) => ({
      delegation: delegationMessage(
        await delegations.delegate(approver, { to, untilMs, reason, ...(fromMs !== 0 && { fromMs }) }),
      ),
    })),
    endDelegation: method(rpc.EndDelegationRequest, rpc.EndDelegationResponse, async ({ approver }, { id }) => ({
      delegation: delegationMessage(await delegations.end(id, approver)),
    })),
  };
}

function delegationMessage({ id, from, to, fromMs, untilMs, reason }: Delegation): rpc.Delegation {
  return { id, from: from.subject, to, fromMs, untilMs, reason };
}
