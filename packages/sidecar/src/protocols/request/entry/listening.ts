import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { isIP, type Socket } from "node:net";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { TlsOptions } from "node:tls";
import { CountersignError } from "@countersign/policy";
import type { NativeHost, NativeListener } from "../../../native/listener.ts";
import type { TlsFiles } from "../../../server/listener.ts";
import { asksForWebSocket } from "../upgrade/handshake.ts";
import { RefusedUpgrades } from "../upgrade/refused-upgrades.ts";
import { visitUpgrade } from "../upgrade/visit-upgrade.ts";
import { admission } from "./admission.ts";
import { ConnectionGates } from "./connection-gates.ts";
import type { EntryKind } from "./entry-kind.ts";
import { OpenRequests } from "./open-requests.ts";
import { visit } from "./visit.ts";

/** Where clients connect to. */
export interface ListenAt {
  readonly address: { readonly host: string; readonly port: number };
  readonly tls?: TlsFiles;
}

/** How much is taken from clients. */
export interface EntryBounds {
  readonly connections: number;
  readonly connectionsPerPrincipal: number;
  readonly parameterBytes: number;
}

/** What classification takes; see `facts/request/body.ts`. */
const mostBodyBytes = 4 * 1024 * 1024;

/** A missing Host is refused by the visit, which records it. */
const strictness: ServerOptions = {
  ...{ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize: 48 * 1024, joinDuplicateHeaders: false },
  // A client that dawdles holds a connection, and nothing else. How long a body may take is the visit's to say.
  ...{ headersTimeout: 30_000, requestTimeout: 0, keepAliveTimeout: 60_000 },
  // What waits for people waits long: a client that vanished without a word is noticed, and its request taken back.
  ...{ keepAlive: true, keepAliveInitialDelay: 30_000 },
  // Every other upgrade is a request that classification refuses.
  shouldUpgradeCallback: asksForWebSocket,
};

const bodyPatience = { wholeMs: 120_000, silenceMs: 60_000 };

/**
 * Opens the way in for unmodified clients of one kind of API.
 *
 * @throws {CountersignError} `invalid_request` when the address cannot be used.
 */
export async function listenForRequests(
  host: NativeHost,
  kind: EntryKind,
  { address: at, tls }: ListenAt,
  bounds: EntryBounds,
): Promise<NativeListener> {
  const shown = isIP(at.host) === 6 ? `[${at.host}]` : at.host;
  const listener = `${shown}:${at.port}`;
  const parts = {
    ...{ host, kind, listener, open: new OpenRequests(), admit: admission(bounds.connectionsPerPrincipal) },
    gates: new ConnectionGates(host, (resource) => (operation, facts) => {
      kind.streamsTo?.(host.resources.get(resource)).acceptStreamed(operation, facts);
    }),
    refused: new RefusedUpgrades(),
    patience: bodyPatience,
    mostBodyBytes: Math.min(bounds.parameterBytes, mostBodyBytes),
  };
  const server = tls === undefined ? createServer(strictness) : createTlsServer({ ...strictness, ...tlsOptions(tls) });
  server.maxConnections = bounds.connections;
  // Node would leave out the rest without a word.
  server.maxHeadersCount = 0;
  refuseOtherReadings(server, (socket, why) => {
    const from = `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}`;
    host.failedLogins.note({ protocol: kind.protocol, listener, from, claims: {}, proof: "none", why });
  });
  const upgradeParts = { host, kind, listener, admit: parts.admit, refused: parts.refused };
  const entry = new Entry(server, {
    request: (request, response) => visit(request, response, parts),
    upgrade: (request, early) => visitUpgrade(request, early, upgradeParts),
    onInternalError: host.onInternalError,
  });
  const listening = once(server, "listening");
  server.listen(at.port, at.host);
  try {
    await listening;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CountersignError("invalid_request", `Cannot listen for ${kind.protocol} clients on ${listener}: ${why}`, { cause });
  }
  server.on("error", host.onInternalError);
  const { port } = server.address() as { port: number };
  return { address: `${shown}:${port}`, close: (graceMs) => entry.close(graceMs) };
}

/** Whether a client's certificate was refused is asked afterwards, so that its owner is told why. */
function tlsOptions({ cert, key, clientCa }: TlsFiles): TlsOptions {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true };
  return { cert, key, ...clients, rejectUnauthorized: false, minVersion: "TLSv1.2" };
}

/** Ends connections whose bytes are no request, or one with two readings (http-smuggle). */
function refuseOtherReadings(server: Server, note: (socket: Socket, why: string) => void): void {
  const refuse = (socket: Socket, why: string) => {
    note(socket, why);
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    setTimeout(() => socket.destroy(), 1000).unref();
  };
  server.on("connect", (_request, socket) => refuse(socket as Socket, "CONNECT opens a tunnel, in which nothing is seen"));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // Everything else is a client that left.
    if (/^HPE_|^ERR_HTTP_/.test(error.code ?? "")) refuse(socket as Socket, `not HTTP as everybody reads it (${error.code})`);
    else socket.destroy();
  });
}

/** How what comes is served. */
interface Serving {
  request(request: IncomingMessage, response: ServerResponse): Promise<void>;
  upgrade(request: IncomingMessage, early: Buffer): Promise<void>;
  /** Hears of what should not happen: one client's request must not end the process. */
  onInternalError(error: unknown): void;
}

/** A server and what it has open. */
class Entry {
  readonly #server: Server;
  readonly #onInternalError: Serving["onInternalError"];
  /** Requests at work that began before it was closed. */
  #open = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(server: Server, serving: Serving) {
    this.#server = server;
    this.#onInternalError = serving.onInternalError;
    server.on("request", (request, response) => void this.#visit(request.socket, serving.request(request, response)));
    server.on("upgrade", (request, _socket, early) => void this.#visit(request.socket, serving.upgrade(request, early)));
  }

  async #visit(socket: Socket, served: Promise<void>): Promise<void> {
    const isCounted = this.#closing === undefined;
    if (isCounted) this.#open++;
    try {
      await served;
    } catch (error) {
      this.#onInternalError(error);
      socket.destroy();
    }
    if (isCounted && --this.#open === 0) this.#closing?.resolve();
  }

  async close(graceMs: number): Promise<void> {
    this.#closing ??= Promise.withResolvers<void>();
    if (this.#open === 0) this.#closing.resolve();
    this.#server.close();
    this.#server.closeIdleConnections();
    await Promise.race([this.#closing.promise, sleep(graceMs, undefined, { ref: false })]);
    // What was answered in this turn leaves at its end.
    await turn();
    this.#server.closeAllConnections();
  }
}
