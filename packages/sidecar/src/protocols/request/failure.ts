import { CountersignError, type Failure } from "@countersign/policy";
import type { StopFailures } from "../stop.ts";

/** A bound of the policy was reached. */
export function limitFailure(limit: "bytes" | "time", value: number): Failure {
  const what = { bytes: `${value} bytes of response`, time: `${value} ms` }[limit];
  const message = `The policy's limit of ${what} was reached: the request was broken off. What the target had done by then stays done. Ask for less.`;
  return { code: "limit_exceeded", message, retryable: false };
}

/** The caller, or somebody who may, asked for a stop. */
function cancelledFailure(): Failure {
  const message = "Cancelled while it ran: the request was broken off. What the target had done by then stays done.";
  return { code: "cancelled", message, retryable: false };
}

/** What is said of what was stopped. */
export const stopFailures: StopFailures = { cancelled: cancelledFailure, late: (limitMs) => limitFailure("time", limitMs) };

/** Nobody can tell what happened. */
export function unknownFailure(why: string): Failure {
  return { code: "unknown_outcome", message: `${why} Look at the target before you ask again.`, retryable: false };
}

/** The connection ended before an answer, and it is certain that nothing was changed. */
export function lostFailure(): Failure {
  return {
    code: "target_lost",
    message: "The connection to the target was lost; nothing was changed. Ask again.",
    retryable: true,
  };
}

/** The answer came, but not all of its body. */
export function brokenOffFailure(status: number): Failure {
  const message = `The target answered ${status}, but its answer broke off. What it did stays done.`;
  return { code: "target_lost", message, retryable: false };
}

/** The answer came in a form in which the credential could not be looked for. */
export function withheldFailure(status: number, coding: string): Failure {
  const message = `The target answered ${status}, in the encoding ${JSON.stringify(coding.slice(0, 40))} that nobody asked for and that cannot be looked through: its body is withheld. What it did stays done.`;
  return { code: "target_error", message, retryable: false };
}

/** The answer need not end, and no rule was asked about that. */
export function unaskedEventsFailure(status: number): Failure {
  const message = `The target answered ${status} with a stream of events, which policy was not asked about: its body is withheld. What it did stays done. Ask with Accept: text/event-stream, which a rule has to look at (http.events).`;
  return { code: "target_error", message, retryable: false };
}

/** The policy masks a part of the answer, which could not be found in it. */
export function unmaskableFailure(status: number, why: string): Failure {
  const message = `The target answered ${status}, but the policy masks a part of the answer, and ${why}: it is withheld. What it did stays done.`;
  return { code: "target_error", message, retryable: false };
}

/** What an error before the first byte of the request is as a failure. */
export function unsentFailure(error: unknown): Failure {
  if (!(error instanceof CountersignError))
    return { code: "internal", message: "An internal error; nothing was sent.", retryable: false };
  const { code, message, retryable } = error;
  return { code, message, retryable };
}
