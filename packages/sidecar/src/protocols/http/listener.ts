import { once } from "node:events";
import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { isIP, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError, type Principal } from "@countersign/policy";
import type { NativeHost, NativeListener, OpenNative } from "../../native/listener.ts";
import { OpenRequests } from "./entry/open-requests.ts";
import { visit } from "./entry/visit.ts";

/** One listener as configured. */
export interface HttpListen {
  readonly address: { readonly host: string; readonly port: number };
  readonly tls?: { readonly cert: string; readonly key: string };
  /** For every host name. */
  readonly resource?: string;
  /** By host name, small letters. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** How unmodified HTTP clients are served. */
interface HttpClientsOptions {
  readonly listen: readonly HttpListen[];
  readonly bounds: { readonly connections: number; readonly connectionsPerPrincipal: number; readonly parameterBytes: number };
}

/** What classification takes; see `facts/request/body.ts`. */
const mostBodyBytes = 4 * 1024 * 1024;

/** A missing Host is refused by the visit, which records it. */
const strictness: ServerOptions = {
  ...{ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize: 48 * 1024, joinDuplicateHeaders: false },
  // A client that dawdles holds a connection, and nothing else.
  ...{ headersTimeout: 30_000, requestTimeout: 120_000, keepAliveTimeout: 60_000 },
};

/** The ways in for unmodified HTTP clients, one for each that is configured. */
export function openHttpClients({ listen, bounds }: HttpClientsOptions): readonly OpenNative[] {
  return listen.map((one) => (host) => HttpListener.open(host, one, bounds));
}

class HttpListener implements NativeListener {
  readonly address: string;
  readonly #server: Server;
  readonly #visits: ReadonlySet<Promise<void>>;

  private constructor(address: string, server: Server, visits: ReadonlySet<Promise<void>>) {
    this.address = address;
    this.#server = server;
    this.#visits = visits;
  }

  static async open(
    host: NativeHost,
    { address: at, tls, resource, hosts }: HttpListen,
    bounds: HttpClientsOptions["bounds"],
  ): Promise<HttpListener> {
    const shown = isIP(at.host) === 6 ? `[${at.host}]` : at.host;
    const listener = `${shown}:${at.port}`;
    const resourceOf = (name: string) => (Object.hasOwn(hosts, name) ? hosts[name] : resource);
    const parts = {
      ...{ host, listener, resourceOf, open: new OpenRequests(), admit: admission(bounds.connectionsPerPrincipal) },
      mostBodyBytes: Math.min(bounds.parameterBytes, mostBodyBytes),
    };
    const visits = new Set<Promise<void>>();
    const server =
      tls === undefined ? createServer(strictness) : createTlsServer({ ...strictness, ...tls, minVersion: "TLSv1.2" });
    server.maxConnections = bounds.connections;
    // Node would leave out the rest without a word.
    server.maxHeadersCount = 0;
    server.on("request", (request, response) => {
      const visiting = visit(request, response, parts).finally(() => visits.delete(visiting));
      visits.add(visiting);
    });
    const refuse = (socket: Socket, why: string) => {
      const from = `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}`;
      host.failedLogins.note({ protocol: "http", listener, from, claims: {}, proof: "none", why });
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      setTimeout(() => socket.destroy(), 1000).unref();
    };
    server.on("connect", (_request, socket) => refuse(socket as Socket, "CONNECT opens a tunnel, in which nothing is seen"));
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      // A request with two readings, or none (http-smuggle). Everything else is a client that left.
      if (/^HPE_|^ERR_HTTP_/.test(error.code ?? "")) refuse(socket as Socket, `not HTTP as everybody reads it (${error.code})`);
      else socket.destroy();
    });
    const listening = once(server, "listening");
    server.listen(at.port, at.host);
    try {
      await listening;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CountersignError("invalid_request", `Cannot listen for HTTP clients on ${listener}: ${why}`, { cause });
    }
    server.on("error", host.onInternalError);
    const { port } = server.address() as { port: number };
    return new HttpListener(`${shown}:${port}`, server, visits);
  }

  async close(graceMs: number): Promise<void> {
    this.#server.close();
    this.#server.closeIdleConnections();
    await Promise.race([Promise.all(this.#visits), sleep(graceMs, undefined, { ref: false })]);
    this.#server.closeAllConnections();
  }
}

/** Counts the requests of each principal. */
function admission(most: number): (principal: Principal) => Disposable | undefined {
  const counts = new Map<string, number>();
  return ({ issuer, subject }) => {
    const name = JSON.stringify([issuer, subject]);
    const before = counts.get(name) ?? 0;
    if (before >= most) return undefined;
    counts.set(name, before + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (counts.get(name) ?? 1) - 1;
        if (left > 0) counts.set(name, left);
        else counts.delete(name);
      },
    };
  };
}
