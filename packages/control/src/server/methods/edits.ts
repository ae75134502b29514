import { CountersignError, type Operation, readOperationMessage } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type { Edits } from "../../edits.ts";
import type { ApproverApi } from "../approver-api.ts";
import { method } from "./method.ts";

/** Changed operations in the place of held ones. */
export function editMethods(api: ApproverApi, edits: Edits) {
  return {
    proposeEdit: method(rpc.ProposeEditRequest, rpc.ProposeEditResponse, async ({ approver }, request) => {
      const { id, requestDigest, comment } = request;
      const { binding } = await edits.propose(
        id,
        { requestDigest, comment, operation: operationOf(request.operation) },
        approver,
      );
      return api.get(approver, binding.requestId);
    }),
  };
}

/** Untrusted input: every field is checked here or when the operation is classified. What is its client's own, the sidecar takes from the held one. */
function operationOf(message: rpc.Operation | undefined): Operation {
  const operation = readOperationMessage(message);
  if (operation === undefined) throw new CountersignError("invalid_request", "The edit holds no operation of a known kind.");
  return operation;
}
