import type { RecordDraft } from "@countersign/audit";
import type { Approver, ErrorCode, RequestDraft } from "@countersign/policy";
import { about, voter } from "./records.ts";
import type { RequestOverview } from "./stores/request-store.ts";

/** What is kept of a refused edit: what was too large to accept is not worth a disk either. */
const refusedPayloadBytes = 64 * 1024;

/** What an approver would rather have run; the changed operation is the payload. */
interface Edited {
  readonly requestDigest: string;
  readonly operation: RequestDraft["action"]["operation"];
  readonly comment: string;
}

/** An approver put a changed operation in the place of a held one. */
export function editRecord(
  request: RequestOverview,
  draft: RequestDraft,
  edit: Edited,
  by: Approver,
  timeMs: number,
): RecordDraft {
  const { requestId, actionDigest, policyDigest } = draft.binding;
  const { effect, rules } = draft.decision;
  const now = {
    request: requestId,
    requestDigest: draft.requestDigest,
    action: actionDigest,
    policy: policyDigest,
    effect,
    rules,
  };
  const detail = { accepted: true, by: voter(by), requestDigest: request.requestDigest, now };
  return { type: "edit", timeMs, ...about(request), detail, payload: editPayload(edit) };
}

/** An edit that was refused, and why. */
export function refusedEditRecord(
  request: RequestOverview,
  edit: Edited,
  by: Approver,
  code: ErrorCode,
  timeMs: number,
): RecordDraft {
  const requestDigest = edit.requestDigest.slice(0, 80).toWellFormed();
  const payload = editPayload(edit);
  const detail = { accepted: false, code, by: voter(by), requestDigest };
  return { type: "edit", timeMs, ...about(request), detail, ...(payload.length <= refusedPayloadBytes && { payload }) };
}

function editPayload({ operation, comment }: Edited): Buffer {
  return Buffer.from(JSON.stringify({ operation, comment }));
}
