import type { IncomingMessage } from "node:http";
import type { buildConnector } from "undici";
import { WebSocket } from "ws";
import { type Field, rawFields } from "../fields.ts";
import { socketOptions } from "./relay.ts";

/** Where WebSockets are opened. */
export interface SocketUpstream {
  readonly origin: string;
  /** By the same rules as every connection to the target. */
  readonly connect: buildConnector.connector;
  /** How long it may take to be answered. */
  readonly handshakeMs: number;
}

/** What is asked for. */
export interface Opening {
  /** Path and query, sent exactly as they are. */
  readonly path: string;
  readonly fields: readonly Field[];
  /** The subprotocols that are offered. */
  readonly protocols: readonly string[];
}

/** What came of opening one. */
export type Opened =
  | {
      readonly type: "open";
      readonly socket: WebSocket;
      /** The subprotocol that the target has chosen; `""` = none. */
      readonly protocol: string;
    }
  /** The target has answered, but not with a WebSocket. */
  | { readonly type: "answered"; readonly status: number; readonly fields: readonly Field[]; readonly body: IncomingMessage }
  /** Nothing was sent. */
  | { readonly type: "unsent"; readonly error: Error }
  /** It was sent, and nothing came, or something else than HTTP. */
  | { readonly type: "lost"; readonly error: Error };

/**
 * Opens a WebSocket to a target and checks its answer (RFC 6455 §4.1, Sec-WebSocket-Accept and what it has chosen). Redirects are given back. It is
 * paused: whoever gets it lets it go on.
 *
 * @param signal gives up in the turn in which it is aborted; not once it is open.
 */
export function openTarget(
  { origin, connect, handshakeMs }: SocketUpstream,
  {
    path,
    fields,
    protocols,
  }: { readonly path: string; readonly fields: readonly Field[]; readonly protocols: readonly string[] },
  signal: AbortSignal,
): Promise<Opened> {
  const { promise, resolve } = Promise.withResolvers<Opened>();
  let isSent = false;
  let chosen = "";
  // ws takes fewer names for subprotocols than are in use; they are offered, and the answer is checked, here.
  const offer: readonly Field[] = protocols.length === 0 ? [] : [["sec-websocket-protocol", protocols.join(", ")]];
  const socket = new WebSocket(new URL(origin.replace(/^http/, "ws")), [], {
    ...{ ...socketOptions, followRedirects: false, handshakeTimeout: handshakeMs, headers: headersOf([...fields, ...offer]) },
    // Its type is that of net.connect; what is called is the option of http.request (a socket now, or given to `done` later).
    createConnection: ((_options: unknown, done: (error: Error | null, socket?: unknown) => void) => {
      connect(addressOf(origin), (error, connected) => {
        if (error !== null) return done(error);
        if (signal.aborted) {
          connected.destroy();
          return done(new Error("given up"));
        }
        isSent = true;
        done(null, connected);
      });
    }) as never,
    finishRequest: (sent) => {
      // A URL would have other escapes than those that were classified.
      sent.path = path;
      sent.end();
    },
  });
  const giveUp = () => socket.terminate();
  const ended = (opened: Opened) => {
    signal.removeEventListener("abort", giveUp);
    resolve(opened);
  };
  signal.addEventListener("abort", giveUp, { once: true });
  socket.once("upgrade", ({ headers }: IncomingMessage) => {
    chosen = headers["sec-websocket-protocol"] ?? "";
    delete headers["sec-websocket-protocol"];
    if (protocols.length === 0 ? chosen === "" : protocols.includes(chosen)) return;
    const why = chosen === "" ? "it chose none of the subprotocols" : "it chose a subprotocol that was not offered";
    ended({ type: "lost", error: new Error(why) });
    socket.terminate();
  });
  socket.once("open", () => {
    socket.pause();
    ended({ type: "open", socket, protocol: chosen });
  });
  socket.once("unexpected-response", (_sent, response: IncomingMessage) =>
    ended({ type: "answered", status: response.statusCode ?? 0, fields: rawFields(response.rawHeaders), body: response }),
  );
  socket.on("error", (error) => ended(isSent ? { type: "lost", error } : { type: "unsent", error }));
  if (signal.aborted) giveUp();
  return promise;
}

function headersOf(fields: readonly Field[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [given, value] of fields) {
    const name = given.toLowerCase();
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}

/** What a connector is asked for. */
export function addressOf(origin: string): buildConnector.Options {
  const { protocol, hostname, host, port } = new URL(origin);
  return { protocol, hostname, host, port: port || (protocol === "https:" ? "443" : "80") };
}
