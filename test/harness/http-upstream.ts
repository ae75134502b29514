import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { type TestAuthority, testAuthority } from "./certificate.ts";
import { OwnServer } from "./own-server.ts";

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
  #server: OwnServer | undefined;

  private constructor(authority: TestAuthority | undefined) {
    this.authority = authority;
  }

  /** With TLS for `name`, or in the clear. */
  static async start(name?: string): Promise<HttpUpstream> {
    const upstream = new HttpUpstream(name === undefined ? undefined : testAuthority(name));
    upstream.#server = await OwnServer.start({
      authority: upstream.authority,
      answer: (request, response, body) => upstream.#answer(request, response, body.toString("latin1")),
    });
    return upstream;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  get last(): Seen {
    const last = this.seen.at(-1);
    if (last === undefined) throw new Error("nothing reached the upstream");
    return last;
  }

  /** Ends every connection under way. */
  cut(): void {
    this.#server?.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { method = "", url = "", rawHeaders, headers } = request;
    const client =
      "getPeerCertificate" in request.socket ? (request.socket as TLSSocket).getPeerCertificate().subject?.CN : undefined;
    const seen: Seen = { method, target: url, rawHeaders, headers, body, client: [client].flat()[0] };
    this.seen.push(seen);
    const answer = this.answers.get(new URL(url, "http://upstream").pathname);
    if (answer !== undefined) answer(request, response, body);
    else {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(seen));
    }
  }
}
