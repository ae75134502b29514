import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TestAuthority } from "./certificate.ts";

/** What a server does with what reaches it. */
interface OwnServerOptions {
  /** With TLS, and certificates of clients looked at by whoever answers; absent = in the clear. */
  readonly authority?: TestAuthority | undefined;
  /** Answers a request that is there as a whole. */
  readonly answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => unknown;
  /** Takes a connection over; absent = nobody does. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** A server of HTTP that a test owns, on the loopback address. */
export class OwnServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor({ authority, answer, upgrade }: OwnServerOptions) {
    const listener: RequestListener = async (request, response) => {
      response.on("error", () => {});
      const parts: Buffer[] = [];
      try {
        for await (const part of request) parts.push(part as Buffer);
      } catch {
        return;
      }
      await answer(request, response, Buffer.concat(parts));
    };
    this.#server = authority === undefined ? createServer(listener) : createTlsServer(tlsOf(authority), listener);
    if (upgrade !== undefined) this.#server.on("upgrade", upgrade);
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  static async start(options: OwnServerOptions): Promise<OwnServer> {
    const own = new OwnServer(options);
    own.#server.listen(0, "127.0.0.1");
    await once(own.#server, "listening");
    return own;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection under way. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function tlsOf({ ca, server: { certificate: cert, key } }: TestAuthority) {
  return { cert, key, ca, requestCert: true, rejectUnauthorized: false };
}
