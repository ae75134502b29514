import type { Operation, PostgresParameter } from "@countersign/policy";
import type * as rpc from "@countersign/rpc";

/** An operation for an approver. */
export function operationMessage(operation: Operation): rpc.Operation {
  // No connector takes another kind yet, and a plan is told line by line.
  if (operation.kind !== "postgres.query") throw new TypeError(`the wire has no form for ${operation.kind}`);
  const { statement, parameters } = operation;
  return { operation: { $case: "postgresQuery", value: { statement, parameters: parameters.map(parameterMessage) } } };
}

function parameterMessage(parameter: PostgresParameter): rpc.PostgresParameter {
  if (parameter === null) return { value: { $case: "null", value: true } };
  return "text" in parameter
    ? { value: { $case: "text", value: parameter.text } }
    : { value: { $case: "binary", value: Buffer.from(parameter.binary, "base64url") } };
}
