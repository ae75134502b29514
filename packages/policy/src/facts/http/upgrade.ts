import type { HttpRequest } from "../../action.ts";
import { refused } from "../request/refusal.ts";

/**
 * What the connection becomes: `websocket`, or `""` for what stays HTTP.
 *
 * @throws {CountersignError} `invalid_operation` for every other protocol, and for a WebSocket that is not a client's own connection: with
 * nobody at its other end the target would be asked for one all the same.
 */
export function readUpgrade({ method, headers, body, streamed }: HttpRequest): "" | "websocket" {
  const upgrade = headers.find(([name]) => name.toLowerCase() === "upgrade")?.[1];
  if (upgrade === undefined) {
    if (headers.some(([name]) => /^sec-websocket-/i.test(name)))
      throw refused("A header of WebSockets (Sec-WebSocket-…) is given without Upgrade: websocket. Leave it out.");
    return "";
  }
  if (upgrade.toLowerCase() !== "websocket")
    throw refused("Upgrade is taken for WebSockets only: what follows would not be HTTP, and not seen. Leave it out.");
  if (!streamed) throw refused("WebSockets are for clients of the listener. Leave Upgrade out, or connect to the listener.");
  // RFC 6455 §4.1.
  if (method !== "GET" || body !== undefined) throw refused("A WebSocket is asked for by GET, without a body.");
  return "websocket";
}
