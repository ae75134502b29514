import type { Failure } from "@countersign/policy";
import type { StopFailures } from "../stop.ts";

/** A bound of the policy was reached. */
export function limitFailure(limit: "bytes" | "time", value: number): Failure {
  const what = { bytes: `${value} bytes of output`, time: `${value} ms` }[limit];
  const message = `The policy's limit of ${what} was reached: the command was stopped. What it had done by then stays done. Ask for less.`;
  return { code: "limit_exceeded", message, retryable: false };
}

/** What happens in a session could not be recorded any more. */
export function unrecordedFailure(): Failure {
  const message = "The audit log did not take the recording, so the session was cut. What it had done by then stays done.";
  return { code: "audit_unavailable", message, retryable: true };
}

/** The caller, or somebody who may, asked for a stop. */
export function cancelledFailure(): Failure {
  const message = "Cancelled while it ran: the command was stopped. What it had done by then stays done.";
  return { code: "cancelled", message, retryable: false };
}

/** What is said of what was stopped. */
export const stopFailures: StopFailures = { cancelled: cancelledFailure, late: (limitMs) => limitFailure("time", limitMs) };

/** Nobody can tell what happened. */
export function unknownFailure(why: string): Failure {
  return { code: "unknown_outcome", message: `${why} Look at the target before you ask again.`, retryable: false };
}

/** The host would not do it, and nothing of it was done. */
export function refusedFailure(what: string, error: unknown): Failure {
  const why = error instanceof Error ? error.message.slice(0, 300) : "";
  return {
    code: "target_error",
    message: `The target refused ${what}${why === "" ? "" : ` (${why})`}; nothing ran.`,
    retryable: false,
  };
}

/** The connection ended, and it is certain that nothing was changed. */
export function lostFailure(): Failure {
  return {
    code: "target_lost",
    message: "The connection to the target was lost; nothing was changed. Ask again.",
    retryable: true,
  };
}
