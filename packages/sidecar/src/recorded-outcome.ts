import type { AuditLog, RecordDraft } from "@countersign/audit";
import type { Outcome } from "@countersign/policy";
import { readOutcome } from "./outcome-detail.ts";

/** Where outcomes are recorded. */
export interface OutcomeLog {
  readonly audit: AuditLog;
  readonly writer: string;
}

/** What is recorded of how a request or call, or a line of a plan, ended; the newest, should there be several. */
export async function recordedOutcome(
  { audit, writer }: OutcomeLog,
  requestId: string,
  line: number | undefined,
): Promise<Outcome | undefined> {
  let found: Outcome | undefined;
  for (const bytes of await audit.recordsOf(requestId)) {
    const record: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (!isObject(record) || record.type !== "outcome" || record.sidecar !== writer) continue;
    if (isObject(record.detail) && record.detail.line === line) found = readOutcome(record.detail) ?? found;
  }
  return found;
}

/**
 * Records an outcome that could not be recorded before. A failed append may have stored it all the same (it could not be synced): a second
 * record would be an outcome without an intent, with which the log fails verification.
 *
 * @throws {AuditError} as `AuditLog.append`.
 */
export async function recordOnce(log: OutcomeLog, outcome: RecordDraft & { readonly request: string }): Promise<void> {
  const line = isObject(outcome.detail) && typeof outcome.detail.line === "number" ? outcome.detail.line : undefined;
  if ((await recordedOutcome(log, outcome.request, line)) !== undefined) return;
  await log.audit.append(log.writer, [outcome], "durable");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
