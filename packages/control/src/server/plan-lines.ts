import {
  hidingWith,
  type Json,
  lineState,
  operationMessage,
  shownOperation,
  shownStoredFacts,
  struckLines,
} from "@countersign/policy";
import type * as rpc from "@countersign/rpc";
import type { StoredRequest } from "../stores/request-store.ts";
import { stateMessages } from "./state-messages.ts";

/** The lines of a plan, as they stand; none for a single action. */
export function planLines(request: StoredRequest): rpc.PlanLine[] {
  const { operation, lines: terms = [] } = request.action;
  if (operation.kind !== "plan") return [];
  const struck = struckLines(request.votes);
  const hide = hidingWith(request.hidingSalt);
  return operation.lines.map((line, index) => ({
    index,
    resource: line.resource,
    operation: operationMessage(shownOperation(line.operation, hide)),
    role: terms[index]?.role ?? "",
    rules: [...(request.decision.lines?.[index]?.rules ?? [])],
    factsJson: JSON.stringify(shownStoredFacts(factsOf(request.facts, index), hide)),
    struck: struck.has(index),
    state: stateMessages[lineState(request, index)],
  }));
}

function factsOf(facts: Json, index: number): Json {
  const lines = typeof facts === "object" && facts !== null && "lines" in facts ? facts.lines : undefined;
  return (Array.isArray(lines) ? lines[index] : undefined) ?? {};
}
