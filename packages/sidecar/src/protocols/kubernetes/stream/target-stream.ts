import { WebSocket } from "ws";
import type { Field } from "../../request/fields.ts";
import { openTarget, type SocketUpstream } from "../../request/upgrade/target-socket.ts";
import { decodeMessage, encodeMessage, StreamError, type StreamMessage } from "./codec.ts";
import { readStatus } from "./status.ts";
import { isStreamVersion, type StreamVersion } from "./subprotocol.ts";

/** Where streams are opened. */
export interface StreamUpstream extends SocketUpstream {
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
    { path, fields, versions }: StreamRequest,
    listener: StreamListener,
    signal: AbortSignal,
  ): Promise<TargetStream | Unopened> {
    const opened = await openTarget(upstream, { path, fields, protocols: versions }, signal);
    if (opened.type === "unsent") return opened;
    if (opened.type === "answered") return refusalOf(opened.status, opened.body);
    if (opened.type === "lost" || !isStreamVersion(opened.protocol)) return { type: "lost" };
    const { socket, protocol } = opened;
    follow(socket, protocol, listener, signal, upstream.pingMs);
    return new TargetStream(socket, protocol);
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

/** Lets it go on, and hears it. */
function follow(socket: WebSocket, version: StreamVersion, listener: StreamListener, signal: AbortSignal, pingMs: number): void {
  let breach: StreamError | undefined;
  const end = (why: StreamError) => {
    breach ??= why;
    socket.terminate();
  };
  socket.on("message", (data, isBinary) => {
    if (breach !== undefined) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw new StreamError("text");
      listener.message(decodeMessage(data, "target", version));
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      end(error);
    }
  });
  socket.on(
    "error",
    (error) => "code" in error && String(error.code).startsWith("WS_ERR") && end(new StreamError("no WebSocket")),
  );
  socket.on("ping", (data) => socket.pong(data));
  const heart = heartbeat(socket, pingMs);
  const breakOff = () => socket.terminate();
  signal.addEventListener("abort", breakOff, { once: true });
  socket.on("close", () => {
    heart[Symbol.dispose]();
    signal.removeEventListener("abort", breakOff);
    listener.closed(breach);
  });
  if (signal.aborted) breakOff();
  else socket.resume();
}

/** API servers refuse before they start anything; what a server of 5xx did before it failed is not known. */
async function refusalOf(status: number, body: AsyncIterable<Buffer>): Promise<Unopened> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of body) {
      size += part.length;
      if (size > mostRefusalBytes) break;
      parts.push(part);
    }
  } catch {
    // What came of it is enough.
  }
  if (status < 300 || status >= 500) return { type: "lost" };
  const text = Buffer.concat(parts).toString();
  const end = readStatus(text);
  return { type: "refused", status, message: end?.type === "failed" ? end.message : text.slice(0, 500) };
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
