import type { Failure } from "@countersign/policy";

const staysDone = "What was sent before stays done.";

/** The policy's bound on what goes through was reached. */
export function bytesFailure(limit: number): Failure {
  const message = `The policy's limit of ${limit} bytes, both ways together, was reached: the WebSocket was closed. ${staysDone}`;
  return { code: "limit_exceeded", message, retryable: false };
}

/** Nobody said anything. */
export function idleFailure(idleMs: number): Failure {
  const message = `Neither side sent anything for ${idleMs} ms: the WebSocket was closed. ${staysDone}`;
  return { code: "limit_exceeded", message, retryable: true };
}

/** The client ended without closing. */
export function leftFailure(): Failure {
  return { code: "cancelled", message: `The client left without closing the WebSocket. ${staysDone}`, retryable: false };
}

/** The target ended without closing. */
export function lostFailure(): Failure {
  const message = `The connection to the target was lost while the WebSocket was open. ${staysDone}`;
  return { code: "target_lost", message, retryable: false };
}

/** A side sent what is no WebSocket, or more than is taken. */
export function breachFailure(side: "client" | "target", why: string): Failure {
  const message = `The ${side} broke the rules of WebSockets (${why}): it was closed. ${staysDone}`;
  return { code: side === "target" ? "target_error" : "invalid_request", message, retryable: false };
}

/** The target answered with 101, but not as a WebSocket server does. */
export function notWebSocketFailure(why: string): Failure {
  const message = `The target's answer is not that of a WebSocket server (${why}): nothing was passed on.`;
  return { code: "target_error", message, retryable: false };
}
