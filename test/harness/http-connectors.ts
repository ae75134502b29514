import { classify, type HttpApi, type HttpRequest, type Limits, type Outcome } from "@countersign/policy";
import type { Connector, ResultChunk } from "../../packages/sidecar/src/protocols/connector.ts";
import { openHttpConnector } from "../../packages/sidecar/src/protocols/http/connector.ts";
import { httpResourceSchema } from "../../packages/sidecar/src/protocols/http/resource.ts";
import type { ResolveName } from "../../packages/sidecar/src/protocols/request/upstream.ts";
import { HttpUpstream } from "./http-upstream.ts";
import { Nginx } from "./nginx.ts";

/** A credential that needs escapes wherever it is written. */
export const oddSecret = 'S3cr3t/of+the"target';
/** Another one. */
export const plainSecret = "t0ken-of-the-target";

const toLoopback: ResolveName = (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]);
const locations =
  "location = /moved { return 302 https://elsewhere.test/; } location = /who { return 200 $ssl_client_s_dn; } gzip on; gzip_min_length 1; gzip_types text/plain application/json; location ~ json$ { default_type application/json; }";

/** How a request is run. */
export interface RunOptions {
  readonly role?: string;
  readonly by?: Connector;
  readonly limits?: Limits;
  readonly signal?: AbortSignal;
  readonly readOnly?: boolean;
  readonly onChunk?: (chunk: ResultChunk) => void | Promise<void>;
}

/** A GET, or what is made of it. */
export function get(path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { kind: "http.request", method: "GET", path, headers: [], ...more };
}

/** Connectors to a server that says what it parsed, and to nginx; both prove that they are api.test. */
export class HttpConnectors implements AsyncDisposable {
  readonly upstream: HttpUpstream;
  readonly nginx: Nginx;
  readonly #open: Connector[] = [];
  readonly #own: Connector;

  private constructor(upstream: HttpUpstream, nginx: Nginx) {
    this.upstream = upstream;
    this.nginx = nginx;
    this.#own = this.to(upstream.port);
  }

  static async start(): Promise<HttpConnectors> {
    const upstream = await HttpUpstream.start("api.test");
    if (upstream.authority === undefined) throw new Error("no authority");
    return new HttpConnectors(upstream, await Nginx.start(upstream.authority, locations));
  }

  /** The configuration of a resource on a port of this machine. */
  resource(port: number, more: object = {}) {
    return {
      ...{ name: "billing", type: "http", origin: `https://api.test:${port}`, allowPrivate: true },
      tls: { ca: this.upstream.authority?.ca },
      roles: {
        bearer: { bearer: { env: "TOKEN" } },
        basic: { basic: { user: "svc", password: { env: "ODD" } } },
        header: { header: { name: "X-Api-Key", value: { env: "ODD" } } },
        query: { query: { name: "api_key", value: { env: "ODD" } } },
      },
      ...more,
    };
  }

  to(
    port: number,
    more: object = {},
    lookup = toLoopback,
    env: Readonly<Record<string, string>> = {},
    api: HttpApi = {},
  ): Connector {
    const context = { folder: ".", env: { TOKEN: plainSecret, ODD: oddSecret, ...env }, lookup, api: { current: api } };
    const one = openHttpConnector(httpResourceSchema.parse(this.resource(port, more)), context);
    this.#open.push(one);
    return one;
  }

  /** Runs a request as the guard does. */
  async run(operation: HttpRequest, options: RunOptions = {}) {
    const { role = "bearer", by = this.#own, limits = {}, signal = new AbortController().signal } = options;
    const { readOnly = true, onChunk } = options;
    by.accept(operation, classify(operation, { searchPath: [] }));
    const dispatch = by.dispatch(operation, role, limits, { signal, readOnly });
    const parts: Buffer[] = [];
    let head: Extract<ResultChunk, { type: "response" }> | undefined;
    try {
      await dispatch.prepare();
      const outcome: Outcome = await dispatch.run((chunk) => {
        if (chunk.type === "response") head = chunk;
        if (chunk.type === "body") parts.push(Buffer.from(chunk.data));
        return onChunk?.(chunk);
      });
      return {
        outcome,
        head,
        headers: new Headers((head?.headers ?? []).map(([name, value]): [string, string] => [name, value])),
        body: Buffer.concat(parts).toString(),
      };
    } finally {
      await dispatch.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((one) => one.close()));
    await this.upstream[Symbol.asyncDispose]();
    await this.nginx[Symbol.asyncDispose]();
  }
}
