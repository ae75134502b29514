import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { CountersignError, type Principal } from "@countersign/policy";
import { certificatePrincipal } from "../../../identity/certificate-principal.ts";
import type { FailedLogin } from "../../../native/failed-logins.ts";
import type { NativeHost } from "../../../native/listener.ts";
import type { Field } from "../fields.ts";

/** Who is told of callers that are not let in. */
interface Door {
  readonly host: Pick<NativeHost, "tokens" | "failedLogins">;
  readonly kind: Pick<FailedLogin, "protocol">;
  /** The listener's name in records. */
  readonly listener: string;
}

/**
 * Who sends a request: by the certificate of the connection, or by a bearer token. One that is bad is refused, and nothing falls back to the
 * other; whoever is not let in is on record.
 *
 * @throws {CountersignError} `unauthenticated`.
 */
export async function callerOf(request: IncomingMessage, fields: readonly Field[], door: Door): Promise<Principal> {
  const { host, kind, listener } = door;
  const { socket } = request;
  const token = tokenOf(fields);
  const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  try {
    const certified = socket instanceof TLSSocket ? certificatePrincipal(socket, refusedCertificate) : undefined;
    if (certified === undefined) return await host.tokens.verify(token ?? missing());
    if (fields.some(([name]) => name.toLowerCase() === "authorization"))
      throw new CountersignError("unauthenticated", "This connection shows a certificate and sends a token: use one of them.");
    return certified;
  } catch (error) {
    const certificate = leaf && { certificate: leaf.subject, fingerprint: leaf.fingerprint256 };
    host.failedLogins.note({
      ...{ protocol: kind.protocol, listener, from: `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}` },
      claims: { host: request.headers.host ?? "", method: request.method ?? "", ...certificate },
      proof: leaf !== undefined ? "certificate" : token === undefined ? "none" : "token",
      why: error instanceof Error ? error.message : "",
    });
    throw error;
  }
}

/** The bearer token of a request: exactly one, or none. */
function tokenOf(fields: readonly Field[]): string | undefined {
  const [first, second] = fields.filter(([name]) => name.toLowerCase() === "authorization");
  const token = /^Bearer +([^ ]+) *$/i.exec(first?.[1] ?? "")?.[1];
  return second === undefined ? token : undefined;
}

function missing(): never {
  throw new CountersignError("unauthenticated", "Send the agent's token, once: Authorization: Bearer TOKEN.");
}

function refusedCertificate(why: string, hint?: string): CountersignError {
  return new CountersignError("unauthenticated", hint === undefined ? `${why}.` : `${why}. ${hint}`);
}
