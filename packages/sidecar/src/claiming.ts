import { setTimeout as sleep } from "node:timers/promises";
import type { AuditLog } from "@countersign/audit";
import { CountersignError, type Outcome, type RequestBook, type RequestSnapshot, type Revocations } from "@countersign/policy";
import { notDispatched } from "./dispatch.ts";
import { type Finding, permitOf, type Trust } from "./permit.ts";
import { endOnRecord } from "./recorded-end.ts";

/** What claiming takes. */
export interface ClaimingParts {
  readonly audit: AuditLog;
  readonly voteKey: Trust["voteKey"];
  readonly revocations: Revocations;
  readonly requests: RequestBook;
  /** The name under which this sidecar opens requests. */
  readonly writer: string;
  /** What would be dispatched now and what the current policy says of it. */
  readonly examine: (request: RequestSnapshot) => Promise<Finding>;
  /** Decides a request anew whose approval policy no longer agrees with: it ends, and another may take its place. */
  readonly redecide: (request: RequestSnapshot) => Promise<"same" | "ended">;
}

/** Between two tries at a store that cannot be written, milliseconds. */
const retryMs = 500;

/**
 * Takes the permit of an approved request, once it is certain that it may still run. `undefined` = it may not, or somebody else decided; those
 * who watch the request hear which.
 */
export async function claim(
  { binding, requestDigest }: RequestSnapshot,
  parts: ClaimingParts,
  stop: AbortSignal,
): Promise<RequestSnapshot | undefined> {
  const { requestId: id } = binding;
  if (!(await mayRun(id, parts))) return undefined;
  while (!stop.aborted) {
    try {
      return await parts.requests.claim(id, requestDigest, parts.writer);
    } catch (error) {
      const passing =
        error instanceof CountersignError && (error.code === "control_plane_unavailable" || error.code === "audit_unavailable");
      if (!passing) return undefined;
      await sleep(retryMs, undefined, { signal: stop }).catch(() => {});
    }
  }
  return undefined;
}

/** Finds out before the claim whether what was approved may still run; if not, the approval is void and nothing was claimed. */
async function mayRun(id: string, parts: ClaimingParts): Promise<boolean> {
  const { audit, requests, examine, redecide } = parts;
  for (let first = true; ; first = false) {
    const [current] = await requests.list({ id });
    if (current?.state !== "approved") return false;
    const end = endOnRecord(await audit.recordsOf(id));
    if (end !== undefined) {
      await revoke(id, new CountersignError("revoked", end), requests);
      return false;
    }
    try {
      permitOf(current, await examine(current), parts);
      return true;
    } catch (error) {
      if (first && error instanceof CountersignError && error.code === "revoked") {
        if ((await redecide(current)) === "ended") return false;
        // Policy has changed back in this very moment: it is looked at once more.
        continue;
      }
      await revoke(id, error, requests);
      return false;
    }
  }
}

/** The approval is void. */
async function revoke(id: string, error: unknown, requests: RequestBook): Promise<void> {
  const outcome: Outcome = { ...notDispatched(error), state: "revoked" };
  await requests.settle(id, { outcome, by: "sidecar", resultEvents: 0 }).catch(() => {});
}
