import type { AuditLog, Durability, RecordDraft } from "@countersign/audit";
import { type Approver, CountersignError } from "@countersign/policy";
import type { RequestOverview } from "./stores/request-store.ts";

/** The name under which the control plane writes. */
const writer = "control";

/**
 * Puts records on disk before anything changes: what cannot be recorded does not happen.
 *
 * @throws {CountersignError} `audit_unavailable`.
 */
export async function record(log: AuditLog, records: readonly RecordDraft[], durability: Durability = "durable"): Promise<void> {
  if (records.length === 0) return;
  try {
    await log.append(writer, records, durability);
  } catch (cause) {
    throw new CountersignError(
      "audit_unavailable",
      "The audit log cannot be written, so nothing was changed. Check the disk that holds the data folder, then try again.",
      { retryable: true, cause },
    );
  }
}

/** What every record about a request says of it. */
export function about(request: Pick<RequestOverview, "binding" | "action">) {
  const { requestId, actionDigest, policyDigest } = request.binding;
  const { issuer, subject, groups } = request.action.principal;
  return {
    request: requestId,
    action: actionDigest,
    policy: policyDigest,
    principal: { issuer, subject, groups },
    resource: request.action.resource,
  };
}

/** Who did something. */
export function voter({ issuer, subject, groups }: Approver) {
  return { issuer, subject, groups };
}

/** Someone signed in, or tried to. */
export function signInRecord(attempt: { readonly approver?: Approver; readonly timeMs: number }): RecordDraft {
  const { approver, timeMs } = attempt;
  if (approver === undefined) return { type: "sign-in", timeMs, detail: { accepted: false, method: "one-time-link" } };
  const { issuer, subject, groups } = approver;
  return { type: "sign-in", timeMs, detail: { accepted: true, method: "one-time-link", approver: { issuer, subject, groups } } };
}
