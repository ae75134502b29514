import type { AuditLog } from "@countersign/audit";
import {
  askedPayload,
  type Decision,
  type ErrorCode,
  newRequestId,
  type Principal,
  type RequestSnapshot,
} from "@countersign/policy";
import type { Call } from "./call.ts";

/** Statement text that is kept of a refused call; what was too large to accept is not worth a disk either. */
const payloadCap = 64 * 1024;

/** What recording takes. */
interface RefusalParts {
  readonly audit: AuditLog;
  readonly writer: string;
  readonly now: () => number;
  readonly random: (size: number) => Buffer;
}

/** Records calls of which nothing was sent to a target. */
export class Refusals {
  readonly #parts: RefusalParts;

  constructor(parts: RefusalParts) {
    this.#parts = parts;
  }

  /** Records why and gives the call's id. A log that cannot be written does not stop a refusal: nothing runs either way. */
  async record(call: Call, code: ErrorCode, message: string, decision?: Decision, knownId?: string): Promise<string> {
    const { audit, writer, now, random } = this.#parts;
    const id = knownId ?? newRequestId(now(), random(16));
    const { issuer, subject, groups } = call.principal;
    const payload = askedPayload(call);
    const record = {
      type: "refusal" as const,
      timeMs: now(),
      request: id,
      principal: { issuer, subject, groups },
      ...named(call.resource),
      detail: { code, ...(decision === undefined ? {} : { effect: decision.effect, rules: decision.rules, message }) },
      ...(decision === undefined ? {} : { policy: decision.policyDigest }),
      ...(payload.length <= payloadCap ? { payload } : {}),
    };
    await audit.append(writer, [record], "handed-over").catch(() => {});
    return id;
  }

  /** Records that somebody tried something on another caller's request. They are told only that they have none of that id. */
  async recordStranger(principal: Principal, { binding, action }: RequestSnapshot, what: "cancel"): Promise<void> {
    const { issuer, subject, groups } = principal;
    const record = {
      type: "refusal" as const,
      timeMs: this.#parts.now(),
      request: binding.requestId,
      action: binding.actionDigest,
      principal: { issuer, subject, groups },
      resource: action.resource,
      detail: { what, code: "not_found" },
    };
    await this.#parts.audit.append(this.#parts.writer, [record], "handed-over").catch(() => {});
  }

  /** Records that so many calls of one caller were refused, because they were too many. What they asked is not kept. */
  async recordFlood({ principal, resource }: Call, refused: number): Promise<void> {
    const { audit, writer, now, random } = this.#parts;
    const { issuer, subject, groups } = principal;
    const record = {
      type: "refusal" as const,
      timeMs: now(),
      request: newRequestId(now(), random(16)),
      principal: { issuer, subject, groups },
      ...named(resource),
      detail: { code: "too_many_requests", refused },
    };
    await audit.append(writer, [record], "handed-over").catch(() => {});
  }
}

/** Whatever the caller wrote there: half of a surrogate pair could not be recorded, and an empty name is none. */
function named(resource: string): { readonly resource?: string } {
  return resource === "" ? {} : { resource: resource.slice(0, 100).toWellFormed() };
}
