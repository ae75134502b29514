import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { alpn } from "./handshakes.ts";

/** A sidecar's listener for PostgreSQL's clients, as those reach it. */
export type ListenerAddress =
  | { readonly type: "unix"; readonly path: string }
  /** `ca`: PEM of who signed its certificate; absent = the system's authorities. */
  | { readonly type: "tcp"; readonly host: string; readonly port: number; readonly tls?: { readonly ca?: string | undefined } };

/**
 * Connects to a listener, with TLS from the first byte on where it has TLS (§53.2.9); its certificate is verified for chain and name.
 *
 * @throws {Error} of the operating system or of TLS.
 */
export async function dial(at: ListenerAddress, signal: AbortSignal): Promise<Socket> {
  if (at.type === "unix") return await opened(connect(at.path), "connect", signal);
  const { host, port, tls } = at;
  if (tls === undefined) return await opened(connect({ host, port, noDelay: true }), "connect", signal);
  const secure = connectTls({ host, port, ALPNProtocols: [alpn], ...(tls.ca !== undefined && { ca: tls.ca }) });
  return await opened(secure.setNoDelay(true), "secureConnect", signal);
}

async function opened(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
