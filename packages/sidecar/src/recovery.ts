import { lineAtWork, lineCount, type Outcome, type RequestSnapshot } from "@countersign/policy";
import { clearUp, endDoubt, lineInDoubt } from "./doubt.ts";
import type { Guard, GuardParts } from "./guard.ts";
import { recordedOutcome } from "./recorded-outcome.ts";
import { endUnfinished } from "./sessions/unfinished.ts";

/**
 * After a start: takes up what was held, and finds out what became of what was being dispatched when the process died. Nothing is run again.
 *
 * A recorded session without an end is ended as unknown. An intent without an outcome is a doubt, which is cleared up while others are served. A claimed request without an intent never reached the
 * target.
 */
export async function recover(guard: Guard, parts: GuardParts): Promise<void> {
  const goOn = (plan: RequestSnapshot) => guard.resume(plan);
  const unfinished = await parts.requests.list({ unfinishedOf: parts.writer });
  const open = await endUnfinished(await parts.audit.openIntents(parts.writer), parts);
  const intents = new Map(open.map((intent) => [intent.request, intent]));
  for (const request of unfinished) {
    if (request.state === "pending" || request.state === "approved" || isBetweenLines(request)) guard.resume(request);
    else if (!intents.has(request.binding.requestId)) await endRecorded(request, parts, goOn);
  }
  for (const intent of intents.values()) clearUp(intent, parts, goOn);
}

/** A plan that goes on with its next line. */
function isBetweenLines(request: RequestSnapshot): boolean {
  return request.state === "executing" && lineCount(request) > 0 && lineAtWork(request) === undefined;
}

/** Ends what is not in doubt any more: the process died after the log was told, or before anything was sent. */
async function endRecorded(request: RequestSnapshot, parts: GuardParts, goOn: (plan: RequestSnapshot) => void): Promise<void> {
  const outcome = await recordedOutcome(parts, request.binding.requestId, lineInDoubt(request));
  // Of a recorded doubt the target can never tell more: it waits for a person.
  if (request.state === "unknown" && (outcome === undefined || outcome.state === "unknown")) return;
  await endDoubt(request, outcome ?? neverSent, parts.requests, goOn);
}

const neverSent: Outcome = {
  state: "failed",
  failure: {
    code: "target_lost",
    message:
      "The sidecar stopped after the approval was claimed and before anything was sent to the target; nothing ran. Ask again.",
    retryable: true,
  },
  ...{ rows: 0, bytes: 0, durationMs: 0 },
};
