import type { Outcome } from "@countersign/policy";
import type { Ledger } from "./ledger.ts";
import type { Locks } from "./locks.ts";
import { isUnderWay } from "./permits.ts";
import { stopPlan } from "./plans.ts";
import type { StoredRequest } from "./stores/request-store.ts";

/** Who takes a request back, and what its caller is told. */
export interface Ending {
  readonly by: string;
  readonly message: string;
}

/**
 * Ends a request that was taken back, inside `withRequest`. The transition table has its own word for each: nobody has agreed to what is
 * pending, so there is nothing to revoke but the asking; what runs is told to stop, and its outcome says what truly happened.
 */
export async function endRevoked(
  request: StoredRequest,
  { by, message }: Ending,
  { ledger, locks }: { readonly ledger: Ledger; readonly locks: Locks },
): Promise<StoredRequest> {
  const timeMs = ledger.now();
  const ended = (state: "cancelled" | "revoked"): Outcome => ({
    state,
    failure: { code: "revoked", message, retryable: false },
    ...{ rows: 0, bytes: 0, durationMs: 0 },
  });
  if (request.state === "pending") {
    return ledger.apply(request, { to: "cancelled", outcome: ended("cancelled"), by, timeMs });
  }
  if (request.state === "approved") {
    return ledger.apply(request, { to: "revoked", outcome: ended("revoked"), by, timeMs });
  }
  const after = isUnderWay(request) ? await stopPlan(ledger, request, { code: "revoked", message }, by) : request;
  locks.tell({ type: "request", requestId: request.binding.requestId });
  return after;
}
