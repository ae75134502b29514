import type { AuditLog, OpenIntent, RecordDraft } from "@countersign/audit";
import { CountersignError, lineCount, type Outcome, type RequestBook, type RequestSnapshot } from "@countersign/policy";
import { type Intent, readIntent } from "./intent.ts";
import { outcomeDetail } from "./outcome-detail.ts";
import type { Persistence } from "./persist.ts";
import { recordedOutcome } from "./recorded-outcome.ts";
import type { Resources } from "./resources.ts";
import type { OnStep } from "./step.ts";

/** What clearing up doubts takes. */
export interface DoubtParts {
  readonly requests: RequestBook;
  readonly audit: AuditLog;
  readonly resources: Resources;
  readonly persistence: Persistence;
  readonly writer: string;
  readonly now: () => number;
  readonly onStep: OnStep;
}

/** Told of a plan that goes on with its next line. */
type GoOn = (plan: RequestSnapshot) => void;

const nothing = { rows: 0, bytes: 0, durationMs: 0 };

/**
 * Finds out what became of an intent without an outcome, off everybody's way. Nothing is run again: the target is asked, ever more slowly, until
 * it can tell. Meanwhile the request stands as `unknown` and the doubt stays open in the log, so that the next start asks again.
 *
 * @throws {CountersignError} `internal` when the intent's record is damaged.
 */
export function clearUp(open: OpenIntent, parts: DoubtParts, goOn: GoOn = () => {}): void {
  const intent = readIntent(open);
  let outcome: Outcome | undefined;
  void parts.persistence.attempt(
    async (signal) => {
      outcome = await findOut(intent, parts, signal);
    },
    async () => {
      if (outcome !== undefined) await endCleared(intent, outcome, parts, goOn);
    },
  );
}

/** Ends a request that was under way or in doubt; of a plan the line, and where others are left it goes on. */
export async function endDoubt(
  request: RequestSnapshot,
  outcome: Outcome,
  requests: RequestBook,
  goOn: GoOn = () => {},
): Promise<void> {
  const { requestId: id } = request.binding;
  const line = lineInDoubt(request);
  if (line === undefined) {
    if (lineCount(request) > 0) return;
    await requests.settle(id, { outcome, by: "recovery", resultEvents: 0 });
    return;
  }
  const after = await requests.endLine(id, line, outcome);
  if (after.state === "executing") goOn(after);
}

/** The line of a plan of which it is not known what became. */
export function lineInDoubt({ course }: RequestSnapshot): number | undefined {
  const last = course?.begun.at(-1);
  return last?.state === "executing" || last?.state === "unknown" ? last.line : undefined;
}

/** What became of it, once that is on record. */
async function findOut(intent: Intent, parts: DoubtParts, signal: AbortSignal): Promise<Outcome> {
  const { request: id, line } = intent;
  // A failed append may have stored it: a second outcome would have no intent.
  const known = await recordedOutcome(parts, id, line);
  if (known !== undefined) return known;
  const outcome = intent.readOnly ? readStopped : await askTarget(intent, parts, signal);
  const detail = { ...outcomeDetail(outcome), ...(line === undefined ? {} : { line }) };
  const record: RecordDraft = { ...intent.base, type: "outcome", timeMs: parts.now(), request: id, detail };
  await parts.audit.append(parts.writer, [record], "durable");
  parts.onStep("resolved", id);
  return outcome;
}

/** @throws when it cannot tell now; also when the resource was taken out of the configuration. */
async function askTarget(intent: Intent, { resources, requests }: DoubtParts, signal: AbortSignal): Promise<Outcome> {
  try {
    return await resources.get(intent.resource).connector.resolve(intent.marker, intent.role, signal);
  } catch (error) {
    const [request] = await requests.list({ id: intent.request });
    // When we stop, the next start asks.
    if (request?.state === "executing" && !signal.aborted) await endDoubt(request, inDoubt(error), requests);
    throw error;
  }
}

async function endCleared(intent: Intent, outcome: Outcome, { requests }: DoubtParts, goOn: GoOn): Promise<void> {
  const [request] = await requests.list({ id: intent.request });
  if (request === undefined || request.state === outcome.state) return;
  // Of a plan, only if it is still in doubt about this very line.
  if (intent.line !== undefined && lineInDoubt(request) !== intent.line) return;
  try {
    await endDoubt(request, outcome, requests, goOn);
  } catch (error) {
    // A person was asked before the target could be, and said otherwise: their word stands, and the log holds both.
    if (!(error instanceof CountersignError && error.code === "not_cancellable")) throw error;
  }
}

const readStopped: Outcome = {
  state: "failed",
  failure: {
    code: "target_lost",
    message: "The sidecar stopped while the statement ran. It only reads, so nothing was changed. Ask again.",
    retryable: true,
  },
  ...nothing,
};

function inDoubt(error: unknown): Outcome {
  const why = error instanceof CountersignError ? ` (${error.message})` : "";
  const message = `The sidecar stopped while the target was at work, and the target cannot tell yet${why}.`;
  return { state: "unknown", failure: { code: "unknown_outcome", message, retryable: false }, ...nothing };
}
