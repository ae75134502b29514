import { type Headers, readHeaders } from "../request/headers.ts";
import { refused } from "../request/refusal.ts";

type Sent = readonly (readonly [name: string, value: string])[];

/**
 * Headers that say who asks: a credential of the caller's own, or, to an aggregated API server, the user's name. `Impersonate-User` and
 * the like make the request as somebody else, with that one's rights.
 */
const identity = /^(?:authorization|proxy-authorization|cookie|impersonate-.*|x-remote-(?:user|uid|group|extra-.*))$/;

/** A WebSocket may carry a bearer token among its subprotocols, and the API server takes it (k8s.io/apiserver, websocket protocol authenticator). */
const tokenProtocol = /base64url\.bearer\./i;

/**
 * Reads headers and refuses those that change who asks, or what the connection becomes.
 *
 * @throws {CountersignError} as `readHeaders` of HTTP requests; `invalid_operation` besides for headers that say who asks, and upgrades to
 * anything but WebSocket.
 */
export function readRequestHeaders(sent: Sent, bodyBytes: number): Headers {
  for (const [name, value] of sent) {
    if (identity.test(name.toLowerCase()) || tokenProtocol.test(value)) {
      throw refused(
        `The header ${name.toLowerCase()} is not taken: the request is made as the role that the policy names, never as somebody else. Leave it out.`,
      );
    }
  }
  const headers = readHeaders(sent, bodyBytes);
  const [upgrade] = headers.values.upgrade ?? [];
  if (upgrade !== undefined && /^spdy/i.test(upgrade)) {
    throw refused(
      "SPDY is not understood. Use a client that speaks WebSocket (kubectl 1.31 or newer; before it, KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true).",
    );
  }
  if (upgrade !== undefined && upgrade.toLowerCase() !== "websocket")
    throw refused("The connection can be upgraded to websocket only.");
  return headers;
}
