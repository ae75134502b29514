import { CountersignError } from "@countersign/policy";
import type { buildConnector } from "undici";
import { WebSocket } from "ws";
import type { Field } from "../../request/fields.ts";
import { decodeMessage, encodeMessage, mostMessageBytes, StreamError, type StreamMessage } from "./codec.ts";
import { readStatus } from "./status.ts";
import { isStreamVersion, type StreamVersion } from "./subprotocol.ts";

/** Where streams are opened. */
export interface StreamUpstream {
  readonly origin: string;
  readonly connect: buildConnector.connector;
  readonly handshakeMs: number;
  /** Between two signs of life that are asked for. A target that gives none for twelve of them is gone. */
  readonly pingMs: number;
}

/** What is asked for. */
export interface StreamRequest {
  /** Path and query, sent exactly as they are. */
  readonly path: string;
  readonly fields: readonly Field[];
  /** What may be spoken, the best first. */
  readonly versions: readonly StreamVersion[];
}

/** Why no stream was opened. */
export type Unopened =
  /** Nothing was sent. */
  | { readonly type: "unsent"; readonly error: Error }
  /** The target said no: nothing ran. */
  | { readonly type: "refused"; readonly status: number; readonly message: string }
  /** It may run. */
  | { readonly type: "lost" };

/** Hears a stream, in order. */
export interface StreamListener {
  message(message: StreamMessage): void;
  /** Nothing follows. @param breach what the target sent that it may not. */
  closed(breach: StreamError | undefined): void;
}

const mostRefusalBytes = 64 * 1024;
/** As kubectl sends it. */
const pieceBytes = 32 * 1024;

/** A session of remotecommand with the target, over a WebSocket of its own. */
export class TargetStream {
  readonly version: StreamVersion;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket, version: StreamVersion) {
    this.#socket = socket;
    this.version = version;
  }

  /**
   * Opens one. The target begins at once: from here on the command may run. The listener hears everything from its first message on.
   *
   * @param signal gives it up, in the turn in which it is aborted, also when it is open.
   */
  static async open(
    upstream: StreamUpstream,
    request: StreamRequest,
    listener: StreamListener,
    signal: AbortSignal,
  ): Promise<TargetStream | Unopened> {
    const { promise, resolve } = Promise.withResolvers<TargetStream | Unopened>();
    let isSent = false;
    const url = new URL(upstream.origin.replace(/^http/, "ws"));
    const socket = new WebSocket(url, [...request.versions], {
      ...{
        perMessageDeflate: false,
        followRedirects: false,
        maxPayload: mostMessageBytes,
        handshakeTimeout: upstream.handshakeMs,
      },
      headers: headersOf(request.fields),
      // Its type is that of net.connect; what is called is the option of http.request (a socket now, or given to `done` later).
      createConnection: ((_options: unknown, done: (error: Error | null, socket?: unknown) => void) => {
        upstream.connect(addressOf(upstream.origin), (error, connected) => {
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
        sent.path = request.path;
        sent.end();
      },
    });
    const breakOff = () => socket.terminate();
    signal.addEventListener("abort", breakOff, { once: true });
    let breach: StreamError | undefined;
    let stream: TargetStream | undefined;
    socket.on("open", () => {
      if (!isStreamVersion(socket.protocol)) return socket.terminate();
      stream = new TargetStream(socket, socket.protocol);
      resolve(stream);
    });
    socket.on("message", (data, isBinary) => {
      if (stream === undefined || breach !== undefined) return;
      try {
        if (!isBinary || !Buffer.isBuffer(data)) throw new StreamError("text");
        listener.message(decodeMessage(data, "target", stream.version));
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        breach = error;
        socket.terminate();
      }
    });
    socket.on("unexpected-response", (sent, response) => {
      const status = response.statusCode ?? 0;
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => {
        size += part.length;
        if (size > mostRefusalBytes) response.destroy();
        else parts.push(part);
      });
      response.once("close", () => {
        sent.destroy();
        resolve(isRefusal(status) ? { type: "refused", status, message: wordsOf(Buffer.concat(parts)) } : { type: "lost" });
        socket.terminate();
      });
    });
    socket.on("error", (error) => {
      if (error instanceof RangeError) breach ??= new StreamError("a message that is too large");
      resolve(isSent ? { type: "lost" } : { type: "unsent", error });
    });
    const heart = heartbeat(socket, upstream.pingMs);
    socket.on("close", () => {
      heart[Symbol.dispose]();
      signal.removeEventListener("abort", breakOff);
      if (stream !== undefined) listener.closed(breach);
      else resolve(isSent ? { type: "lost" } : { type: "unsent", error: new Error("given up") });
    });
    if (signal.aborted) breakOff();
    return promise;
  }

  /** Sends a message; resolves when it is on its way, or nobody will get it any more. */
  send(message: StreamMessage): Promise<void> {
    return new Promise((resolve) => this.#socket.send(encodeMessage(message), () => resolve()));
  }

  /** Sends all of an input and, where the version has a word for it, its end. */
  async sendInput(data: Buffer, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < data.length && !signal.aborted; at += pieceBytes)
      await this.send({ type: "data", channel: "stdin", data: data.subarray(at, at + pieceBytes) });
    if (this.version === "v5.channel.k8s.io" && !signal.aborted) await this.send({ type: "close", channel: "stdin" });
  }

  /** Holds the target up, or lets it go on. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.pause();
    else if (this.#socket.isPaused) this.#socket.resume();
  }

  /** Ends it as one does that has all it wants. */
  close(): void {
    this.#socket.close(1000);
  }

  /** Ends it at once. */
  cut(): void {
    this.#socket.terminate();
  }
}

/** API servers refuse before they start anything; what a server of 5xx did before it failed is not known. */
function isRefusal(status: number): boolean {
  return status >= 300 && status < 500;
}

/** What a refusal says: its Status, where it has one. */
function wordsOf(body: Buffer): string {
  const end = readStatus(body.toString());
  return end?.type === "failed" ? end.message : body.toString().slice(0, 500);
}

function headersOf(fields: readonly Field[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [given, value] of fields) {
    const name = given.toLowerCase();
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}

function addressOf(origin: string): buildConnector.Options {
  const { protocol, hostname, host, port } = new URL(origin);
  return { protocol, hostname, host, port: port || (protocol === "https:" ? "443" : "80") };
}

/** Asks for signs of life: whoever ran the command may be gone without a word. */
function heartbeat(socket: WebSocket, everyMs: number): Disposable {
  let silent = 0;
  const alive = () => {
    silent = 0;
  };
  for (const event of ["message", "ping", "pong"] as const) socket.on(event, alive);
  const timer = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN || socket.isPaused) return;
    if (++silent > 12) socket.terminate();
    else socket.ping();
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** What a failed connection tells; never what was to be sent. */
export function unreachable(error: Error): CountersignError {
  if (error instanceof CountersignError) return error;
  const code = "code" in error ? String(error.code) : error.name;
  return new CountersignError("target_unavailable", `The target cannot be reached (${code}); nothing was sent.`, {
    retryable: true,
    cause: error,
  });
}
