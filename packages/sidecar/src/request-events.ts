import type { RequestEvent, RequestSnapshot } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type { ResultChunk } from "./protocols/connector.ts";
import { type EventBody, wireOutcome } from "./wire.ts";

/** What a request's event is on the wire. */
export function eventBody(
  event: RequestEvent,
  request: Pick<RequestSnapshot, "binding" | "requestDigest">,
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
    case "approved":
      return { $case: "approved", value: { validUntilMs: event.validUntilMs } };
    case "executing":
      return { $case: "executing", value: {} };
    case "ended":
      return { $case: "done", value: wireOutcome(event.outcome, request.binding.requestId, receipt) };
  }
}

/** What a part of a result is on the wire. */
export function chunkBody(chunk: ResultChunk): EventBody {
  return chunk.type === "columns"
    ? { $case: "columns", value: { columns: [...chunk.columns] } }
    : { $case: "rows", value: { data: chunk.data as Buffer, count: chunk.count } };
}
