import type { Failure } from "@countersign/policy";
import type { StopFailures } from "../../stop.ts";

/** What had been done by then stays done; nothing tells the container that nobody listens any more. */
const goesOn = "Kubernetes does not end a command when its connection ends: it may still be running in the container.";

/** A bound of the policy was reached. */
export function limitFailure(limit: "bytes" | "time", value: number): Failure {
  const what = { bytes: `${value} bytes of output`, time: `${value} ms` }[limit];
  return {
    code: "limit_exceeded",
    message: `The policy's limit of ${what} was reached: the session was cut. ${goesOn}`,
    retryable: false,
  };
}

/** The caller, or somebody who may, asked for a stop. */
export function cancelledFailure(): Failure {
  return { code: "cancelled", message: `Cancelled while it ran: the session was cut. ${goesOn}`, retryable: false };
}

/** What is said of what was stopped. */
export const stopFailures: StopFailures = { cancelled: cancelledFailure, late: (limitMs) => limitFailure("time", limitMs) };

/** What happens in a terminal could not be recorded any more. */
export function unrecordedFailure(): Failure {
  return {
    code: "audit_unavailable",
    message: `The audit log did not take the recording, so the session was cut. ${goesOn}`,
    retryable: true,
  };
}

/** Nobody can tell what happened. */
export function unknownFailure(why: string): Failure {
  return { code: "unknown_outcome", message: `${why} Look at the target before you ask again.`, retryable: false };
}

/** The connection ended before the command, and it is certain that nothing was changed. */
export function lostFailure(): Failure {
  return {
    code: "target_lost",
    message: "The connection to the target was lost; nothing was changed. Ask again.",
    retryable: true,
  };
}

/** The target would not do it, or could not. */
export function refusedFailure(status: string, words: string): Failure {
  return {
    code: "target_error",
    message: `The target did not run it (${status}): ${words}`,
    retryable: false,
    targetCode: status,
  };
}

/** The client went away while it ran. */
export function leftFailure(): Failure {
  return { code: "cancelled", message: `The client left while it ran: the session was cut. ${goesOn}`, retryable: false };
}

/** The client sent what is no part of a session. */
export function breachFailure({ message }: Error): Failure {
  const text = `The client sent ${message}, which is no part of the session: it was cut. ${goesOn}`;
  return { code: "invalid_request", message: text, retryable: false };
}
