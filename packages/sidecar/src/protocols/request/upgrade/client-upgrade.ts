import { type IncomingMessage, ServerResponse } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import type { Field } from "../fields.ts";
import { spokeTooEarly } from "./handshake.ts";
import { socketOptions } from "./relay.ts";

/** What the target has chosen stands among the fields that are written below. */
const server = new WebSocketServer({ ...socketOptions, noServer: true, clientTracking: false, handleProtocols: () => false });

/** A client that has asked for a WebSocket and waits: nothing of it goes anywhere before it is answered. */
export class ClientUpgrade implements Disposable {
  /** The answer, as long as it is one of HTTP. */
  readonly response: ServerResponse;
  readonly #request: IncomingMessage;
  readonly #gone = new AbortController();
  #isTaken = false;

  /** @throws {Error} when an earlier request of the connection still waits for its answer: two would be written at once. */
  constructor(request: IncomingMessage) {
    const { socket } = request;
    this.#request = request;
    this.response = new ServerResponse(request);
    this.response.shouldKeepAlive = false;
    this.response.assignSocket(socket);
    this.response.on("error", () => {});
    this.response.once("finish", () => {
      socket.end();
      // Whoever does not hang up holds a descriptor.
      setTimeout(() => socket.destroy(), 1000).unref();
    });
    // One that vanished while it waits is noticed.
    socket.setKeepAlive(true, 30_000);
    socket.on("data", this.#early);
    for (const event of ["end", "error", "close"]) socket.on(event, this.#left);
  }

  /** Aborted with the reason when the client leaves, does not wait for its answer, or is cut off. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether it has its WebSocket, and with it the answer. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Ends the waiting, and what came of it. */
  breakOff(why: string): void {
    this.#gone.abort(why);
  }

  /**
   * Gives the client its WebSocket; undefined when it has left.
   *
   * @param protocol the subprotocol that the target has chosen; `""` = none.
   */
  take(protocol: string, fields: readonly Field[]): WebSocket | undefined {
    const { socket } = this.#request;
    if (this.#gone.signal.aborted) return undefined;
    if (this.#isTaken || this.response.headersSent) throw new TypeError("it was answered");
    this.#isTaken = true;
    socket.off("data", this.#early);
    for (const event of ["end", "error", "close"]) socket.off(event, this.#left);
    this.response.detachSocket(socket);
    let taken: WebSocket | undefined;
    const write = (headers: string[]) => {
      if (protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
      for (const [name, value] of fields) headers.push(`${name}: ${value}`);
    };
    // It was read, by rules that take more names than ws does; what was chosen is written below.
    delete this.#request.headers["sec-websocket-protocol"];
    server.once("headers", write);
    try {
      server.handleUpgrade(this.#request, socket, Buffer.alloc(0), (open) => {
        taken = open;
      });
    } finally {
      server.off("headers", write);
    }
    return taken;
  }

  /** Ends the connection of one that was told nothing. */
  [Symbol.dispose](): void {
    if (!this.#isTaken && !this.response.writableEnded) this.#request.socket.destroy();
  }

  readonly #early = (): void => this.#gone.abort(spokeTooEarly);
  readonly #left = (): void => this.#gone.abort("The client left.");
}
