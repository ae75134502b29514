import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { type TestAuthority, testAuthority } from "./certificate.ts";

/** A request as the upstream parsed it. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  /** Names as sent, and values, in turn. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** The subject of the client's certificate. */
  readonly client: string | undefined;
}

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An HTTP API that keeps what it parsed: `POST /echo` gives everything back; other paths answer as a test says. */
export class HttpUpstream implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly answers = new Map<string, Answer>();
  readonly authority: TestAuthority | undefined;
  readonly #server: Server;

  private constructor(authority: TestAuthority | undefined) {
    this.authority = authority;
    const listener = (request: IncomingMessage, response: ServerResponse) => void this.#hear(request, response);
    this.#server =
      authority === undefined
        ? createServer(listener)
        : createTlsServer(
            {
              cert: authority.server.certificate,
              key: authority.server.key,
              ca: authority.ca,
              requestCert: true,
              rejectUnauthorized: false,
            },
            listener,
          );
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** With TLS for `name`, or in the clear. */
  static async start(name?: string): Promise<HttpUpstream> {
    const upstream = new HttpUpstream(name === undefined ? undefined : testAuthority(name));
    upstream.#server.listen(0, "127.0.0.1");
    await once(upstream.#server, "listening");
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): Seen {
    const last = this.seen.at(-1);
    if (last === undefined) throw new Error("nothing reached the upstream");
    return last;
  }

  /** Ends every connection under way. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => {});
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      return;
    }
    const body = Buffer.concat(parts).toString("latin1");
    const { method = "", url = "", rawHeaders, headers } = request;
    const client =
      "getPeerCertificate" in request.socket ? (request.socket as TLSSocket).getPeerCertificate().subject?.CN : undefined;
    const seen: Seen = { method, target: url, rawHeaders, headers, body, client: [client].flat()[0] };
    this.seen.push(seen);
    const answer = this.answers.get(new URL(url, "http://upstream").pathname);
    if (answer !== undefined) return answer(request, response, body);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(seen));
  }
}
