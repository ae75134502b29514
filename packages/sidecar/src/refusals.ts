import { randomBytes } from "node:crypto";
import type { AuditLog } from "@countersign/audit";
import { type Decision, type ErrorCode, newRequestId } from "@countersign/policy";
import type { Call } from "./call.ts";
import { operationPayload } from "./wire.ts";

/** Statement text that is kept of a refused call; what was too large to accept is not worth a disk either. */
const payloadCap = 64 * 1024;

/** Records calls of which nothing was sent to a target. */
export class Refusals {
  readonly #parts: { readonly audit: AuditLog; readonly writer: string; readonly now: () => number };

  constructor(parts: { readonly audit: AuditLog; readonly writer: string; readonly now: () => number }) {
    this.#parts = parts;
  }

  /** Records why and gives the call's id. A log that cannot be written does not stop a refusal: nothing runs either way. */
  async record(call: Call, code: ErrorCode, message: string, decision?: Decision, knownId?: string): Promise<string> {
    const { audit, writer, now } = this.#parts;
    const id = knownId ?? newRequestId(now(), randomBytes(16));
    const { issuer, subject, groups } = call.principal;
    const payload = operationPayload(call.operation);
    const record = {
      type: "refusal" as const,
      timeMs: now(),
      request: id,
      principal: { issuer, subject, groups },
      resource: call.resource.slice(0, 100),
      detail: { code, ...(decision === undefined ? {} : { effect: decision.effect, rules: decision.rules, message }) },
      ...(decision === undefined ? {} : { policy: decision.policyDigest }),
      ...(payload.length <= payloadCap ? { payload } : {}),
    };
    await audit.append(writer, [record], "handed-over").catch(() => {});
    return id;
  }
}
