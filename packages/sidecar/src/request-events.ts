import { type Json, protocols, type RequestEvent, type RequestSnapshot } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import { decidedEvent, type EventBody, wireOutcome } from "./wire.ts";

/** The decision that a request began with. */
export function decisionBody({ decision, facts, binding }: RequestSnapshot): EventBody {
  return decidedEvent(decision, isOpaque(facts), binding.actionDigest);
}

/** What was found out is stored as JSON; what cannot be read there counts as not understood. */
function isOpaque(facts: Json): boolean {
  if (!isObject(facts)) return true;
  if (Array.isArray(facts.lines)) return facts.lines.some(isOpaque);
  const protocol = Object.entries(protocols).find(([name]) => name === facts.protocol)?.[1];
  const found = protocol && facts[protocol.variable];
  return !isObject(found) || found.opaque !== false;
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a request's event is on the wire. */
export function eventBody(
  event: RequestEvent,
  request: Pick<RequestSnapshot, "binding" | "requestDigest" | "grant">,
  approvalUrl: string,
  receipt?: rpc.Receipt,
): EventBody {
  switch (event.type) {
    case "pending":
      return {
        $case: "pending",
        value: { requestDigest: request.requestDigest, approvalUrl, expiresMs: request.binding.expiry.pendingUntilMs },
      };
    case "vote":
      return {
        $case: "vote",
        value: {
          approver: event.vote.approver.subject,
          verdict: event.vote.verdict === "approve" ? rpc.Verdict.APPROVE : rpc.Verdict.DENY,
          comment: event.vote.comment,
        },
      };
    case "escalated":
      return { $case: "escalated", value: { to: [...event.to] } };
    case "approved":
      return { $case: "approved", value: { validUntilMs: event.validUntilMs, grant: request.grant?.grantId ?? "" } };
    case "executing":
      return { $case: "executing", value: {} };
    case "ended":
      return { $case: "done", value: wireOutcome(event.outcome, request.binding.requestId, receipt) };
  }
}
