import { CountersignError, type Operation, type PostgresParameter } from "@countersign/policy";
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

/** Untrusted input: every field is checked here or when the operation is classified. */
function operationOf(message: rpc.Operation | undefined): Operation {
  if (message?.operation?.$case !== "postgresQuery")
    throw new CountersignError("invalid_request", "The edit holds no operation of a known kind; expected `postgres_query`.");
  const { statement, parameters } = message.operation.value;
  return { kind: "postgres.query", statement, parameters: parameters.map(parameterOf) };
}

function parameterOf({ value }: rpc.PostgresParameter, index: number): PostgresParameter {
  switch (value?.$case) {
    case "null":
      return null;
    case "text":
      return { text: value.value };
    case "binary":
      return { binary: Buffer.from(value.value).toString("base64url") };
    default:
      throw new CountersignError("invalid_parameter", `Parameter $${index + 1} holds no value; send \`null\` for SQL NULL.`);
  }
}
