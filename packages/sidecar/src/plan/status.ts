import { lineState, operationMessage, type PlanLine, type RequestSnapshot, struckLines } from "@countersign/policy";
import type * as rpc from "@countersign/rpc";
import { wireOutcome, wireState } from "../wire.ts";

/** How a plan stands, for its caller. */
export function planStatus(request: RequestSnapshot, approvalUrl: string): rpc.PlanStatus {
  const { action, binding, outcome } = request;
  const { operation } = action;
  const { requestId } = binding;
  const struck = struckLines(request.votes);
  const lines = operation.kind === "plan" ? operation.lines : [];
  return {
    requestId,
    actionDigest: binding.actionDigest,
    state: wireState[request.state],
    approvalUrl,
    lines: lines.map((line, index) => {
      const ended = request.course?.begun.find((one) => one.line === index)?.outcome;
      return {
        action: plannedAction(line),
        struck: struck.has(index),
        state: wireState[lineState(request, index)],
        outcome: ended && wireOutcome(ended, requestId, undefined),
      };
    }),
    error: outcome && wireOutcome(outcome, requestId, undefined).error,
  };
}

function plannedAction({ resource, operation }: PlanLine): rpc.PlannedAction {
  return { resource, operation: operationMessage(operation) };
}
