import type { OpenIntent, RecordDraft } from "@countersign/audit";
import { CountersignError, type Json, type Outcome, type RequestSnapshot } from "@countersign/policy";
import type { Guard, GuardParts } from "./guard.ts";
import { outcomeDetail, readOutcome } from "./outcome-detail.ts";

/** What an intent record says, as far as recovery needs it. Our own bytes, read back; checked because a store may be damaged. */
interface Intent {
  readonly request: string;
  readonly resource: string;
  readonly role: string;
  readonly readOnly: boolean;
  readonly marker: Json;
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
    if (request.state === "pending" || request.state === "approved") guard.resume(request);
    else if (!intents.has(request.binding.requestId))
      await settle(parts, request, (await recordedOutcome(parts, request)) ?? neverSent());
  }
  for (const intent of intents.values()) void parts.persistence.attempt(() => resolveIntent(parts, intent));
}

async function resolveIntent(parts: GuardParts, intent: Intent): Promise<void> {
  const { requests, audit, writer, now } = parts;
  const [request] = await requests.list({ id: intent.request });
  let outcome: Outcome;
  try {
    outcome = intent.readOnly
      ? readStopped()
      : await parts.resources.get(intent.resource).connector.resolve(intent.marker, intent.role);
  } catch (error) {
    if (request?.state === "executing") await settle(parts, request, inDoubt(error));
    // Thrown on, so that it is tried again; the resource may also have been taken out of the configuration.
    throw error;
  }
  await audit.append(
    writer,
    [{ ...intent.base, type: "outcome", timeMs: now(), request: intent.request, detail: outcomeDetail(outcome) }],
    "durable",
  );
  if (request !== undefined && request.state !== outcome.state) await settle(parts, request, outcome);
}

/** The outcome that was recorded just before the process died, if there is one. */
async function recordedOutcome(parts: GuardParts, request: RequestSnapshot): Promise<Outcome | undefined> {
  for (const bytes of await parts.audit.recordsOf(request.binding.requestId)) {
    const record: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (isObject(record) && record.type === "outcome" && record.sidecar === parts.writer) return readOutcome(record.detail);
  }
  return undefined;
}

async function settle(parts: GuardParts, request: RequestSnapshot, outcome: Outcome): Promise<void> {
  await parts.requests.settle(request.binding.requestId, { outcome, by: "recovery", resultEvents: 0 });
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
