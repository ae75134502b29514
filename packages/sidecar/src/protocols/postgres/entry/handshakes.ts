import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { TlsFiles } from "../../../server/listener.ts";
import { ClientGone } from "./start-up-reader.ts";

/** Registered for PostgreSQL: a client that offers another protocol was led here by somebody (ALPACA). */
export const alpn = "postgresql";

interface Waiting {
  readonly resolve: (secured: TLSSocket) => void;
  readonly reject: (error: unknown) => void;
}

/** TLS on sockets that have been read from already. */
export class Handshakes {
  readonly #server: Server;
  readonly #waiting = new Map<string, Waiting>();

  constructor({ cert, key, clientCa }: TlsFiles) {
    this.#server = createServer({
      cert,
      key,
      ...(clientCa !== undefined && { ca: clientCa, requestCert: true }),
      // Whether a certificate was refused is asked afterwards, so that its owner is told why.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      ALPNProtocols: [alpn],
    });
    this.#server.on("secureConnection", (socket) => this.#take(socket)?.resolve(socket));
    this.#server.on("tlsClientError", (error, socket) => {
      this.#take(socket)?.reject(new ClientGone("TLS failed", { cause: error }));
      socket.destroy();
    });
  }

  /**
   * Does the server's part of a handshake on a socket of TCP; what the socket has buffered belongs to it.
   *
   * @throws {ClientGone} when the client cannot, or does not go through with it.
   */
  secure(socket: Socket, signal: AbortSignal): Promise<TLSSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const name = nameOf(socket);
    const gone = () => reject(new ClientGone());
    this.#waiting.set(name, { resolve, reject });
    socket.once("close", gone);
    signal.addEventListener("abort", gone, { once: true });
    this.#server.emit("connection", socket);
    return promise.finally(() => {
      this.#waiting.delete(name);
      socket.off("close", gone);
      signal.removeEventListener("abort", gone);
    });
  }

  #take(socket: Socket): Waiting | undefined {
    return this.#waiting.get(nameOf(socket));
  }
}

/** Distinct among the open sockets of one listener. */
function nameOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
