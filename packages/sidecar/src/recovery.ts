import type { OpenIntent, RecordDraft } from "@countersign/audit";
import { CountersignError, type Json, lineAtWork, lineCount, type Outcome, type RequestSnapshot } from "@countersign/policy";
import type { Guard, GuardParts } from "./guard.ts";
import { outcomeDetail, readOutcome } from "./outcome-detail.ts";

/** What an intent record says, as far as recovery needs it. Our own bytes, read back; checked because a store may be damaged. */
interface Intent {
  readonly request: string;
  readonly resource: string;
  readonly role: string;
  readonly readOnly: boolean;
  readonly marker: Json;
  /** Of a plan. */
  readonly line?: number;
  readonly base: Pick<RecordDraft, "action" | "principal" | "resource" | "policy">;
}

const nothing = { rows: 0, bytes: 0, durationMs: 0 };

/**
 * After a start: takes up what was held, and finds out what became of what was being dispatched when the process died. Nothing is run again.
 *
 * An intent without an outcome is a doubt: the target is asked; while it cannot be asked the request stands as `unknown` and the doubt stays
 * open in the log, so that the next start asks again. A claimed request without an intent never reached the target.
 */
export async function recover(guard: Guard, parts: GuardParts): Promise<void> {
  const unfinished = await parts.requests.list({ unfinishedOf: parts.writer });
  const intents = new Map((await parts.audit.openIntents(parts.writer)).map((open) => [open.request, parseIntent(open)]));
  for (const request of unfinished) {
    if (request.state === "pending" || request.state === "approved" || isBetweenLines(request)) guard.resume(request);
    else if (!intents.has(request.binding.requestId)) await endRecorded(guard, parts, request);
  }
  for (const intent of intents.values()) {
    void parts.persistence.attempt(async () => {
      const outcome = await resolveIntent(guard, parts, intent);
      // Apart, so that a store that cannot be written does not have the outcome recorded again.
      void parts.persistence.attempt(() => endResolved(guard, parts, intent, outcome));
    });
  }
}

/** Ends what is not in doubt any more: the process died after the log was told, or before anything was sent. */
async function endRecorded(guard: Guard, parts: GuardParts, request: RequestSnapshot): Promise<void> {
  const outcome = await recordedOutcome(parts, request);
  // Of a recorded doubt the target cannot tell more: it waits for a person.
  if (request.state !== "unknown") await end(guard, parts, request, outcome ?? neverSent());
  else if (outcome !== undefined && outcome.state !== "unknown") await end(guard, parts, request, outcome);
}

/** A plan that goes on with its next line. */
function isBetweenLines(request: RequestSnapshot): boolean {
  return request.state === "executing" && lineCount(request) > 0 && lineAtWork(request) === undefined;
}

/** Finds out what became of a doubt, and records it. */
async function resolveIntent(guard: Guard, parts: GuardParts, intent: Intent): Promise<Outcome> {
  const { requests, audit, writer, now } = parts;
  const [request] = await requests.list({ id: intent.request });
  let outcome: Outcome;
  try {
    outcome = intent.readOnly
      ? readStopped()
      : await parts.resources.get(intent.resource).connector.resolve(intent.marker, intent.role);
  } catch (error) {
    if (request?.state === "executing") await end(guard, parts, request, inDoubt(error));
    // Thrown on, so that it is tried again; the resource may also have been taken out of the configuration.
    throw error;
  }
  await audit.append(
    writer,
    [
      {
        ...intent.base,
        type: "outcome",
        timeMs: now(),
        request: intent.request,
        detail: { ...outcomeDetail(outcome), ...lineOf(intent) },
      },
    ],
    "durable",
  );
  parts.onStep("resolved", intent.request);
  return outcome;
}

async function endResolved(guard: Guard, parts: GuardParts, intent: Intent, outcome: Outcome): Promise<void> {
  const [request] = await parts.requests.list({ id: intent.request });
  if (request === undefined || request.state === outcome.state) return;
  // Of a plan, only if it is still in doubt about this very line.
  if (intent.line !== undefined && lineInDoubt(request) !== intent.line) return;
  try {
    await end(guard, parts, request, outcome);
  } catch (error) {
    // A person was asked before the target could be, and said otherwise: their word stands, and the log holds both.
    if (!(error instanceof CountersignError && error.code === "not_cancellable")) throw error;
  }
}

/** The outcome that was recorded just before the process died, if there is one. */
async function recordedOutcome(parts: GuardParts, request: RequestSnapshot): Promise<Outcome | undefined> {
  for (const bytes of await parts.audit.recordsOf(request.binding.requestId)) {
    const record: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (!isObject(record) || record.type !== "outcome" || record.sidecar !== parts.writer) continue;
    if (isObject(record.detail) && record.detail.line === lineInDoubt(request)) return readOutcome(record.detail);
  }
  return undefined;
}

/** Ends a request; of a plan the line that was at work, and where others are left it goes on. */
async function end(guard: Guard, { requests }: GuardParts, request: RequestSnapshot, outcome: Outcome): Promise<void> {
  const { requestId: id } = request.binding;
  const line = lineInDoubt(request);
  if (line === undefined) {
    if (lineCount(request) > 0) return;
    await requests.settle(id, { outcome, by: "recovery", resultEvents: 0 });
    return;
  }
  const after = await requests.endLine(id, line, outcome);
  if (after.state === "executing") guard.resume(after);
}

/** The line of a plan of which it is not known what became. */
function lineInDoubt({ course }: RequestSnapshot): number | undefined {
  const last = course?.begun.at(-1);
  return last?.state === "executing" || last?.state === "unknown" ? last.line : undefined;
}

function lineOf({ line }: Intent): { readonly line?: number } {
  return line === undefined ? {} : { line };
}

function neverSent(): Outcome {
  const message =
    "The sidecar stopped after the approval was claimed and before anything was sent to the target; nothing ran. Ask again.";
  return { state: "failed", failure: { code: "target_lost", message, retryable: true }, ...nothing };
}

function readStopped(): Outcome {
  const message = "The sidecar stopped while the statement ran. It only reads, so nothing was changed. Ask again.";
  return { state: "failed", failure: { code: "target_lost", message, retryable: true }, ...nothing };
}

function inDoubt(error: unknown): Outcome {
  const why = error instanceof CountersignError ? ` (${error.message})` : "";
  const message = `The sidecar stopped while the target was at work, and the target cannot be asked yet${why}.`;
  return { state: "unknown", failure: { code: "unknown_outcome", message, retryable: false }, ...nothing };
}

function parseIntent(open: OpenIntent): Intent {
  const record: unknown = JSON.parse(Buffer.from(open.record).toString());
  if (
    !isObject(record) ||
    !isObject(record.detail) ||
    typeof record.resource !== "string" ||
    typeof record.detail.role !== "string"
  ) {
    throw new CountersignError(
      "internal",
      `The intent record of ${open.request} cannot be read; run \`countersign audit verify\`.`,
    );
  }
  const { detail } = record;
  return {
    request: open.request,
    resource: record.resource,
    role: detail.role as string,
    readOnly: detail.readOnly === true,
    marker: (detail.marker ?? null) as Json,
    ...(typeof detail.line === "number" ? { line: detail.line } : {}),
    base: {
      resource: record.resource,
      ...(typeof record.action === "string" ? { action: record.action } : {}),
      ...(typeof record.policy === "string" ? { policy: record.policy } : {}),
      ...(isPrincipal(record.principal) ? { principal: record.principal } : {}),
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPrincipal(value: unknown): value is NonNullable<RecordDraft["principal"]> {
  return isObject(value) && typeof value.issuer === "string" && typeof value.subject === "string" && Array.isArray(value.groups);
}
