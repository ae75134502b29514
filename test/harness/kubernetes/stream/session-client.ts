import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";

/** A client library's end of a session, message by message. */
export class SessionClient {
  readonly socket: WebSocket;
  stdout = "";
  stderr = "";
  /** The Status that it ended with. */
  status: { readonly status?: string; readonly message?: string; readonly code?: number } | undefined;
  /** When the connection ended, by the clock of `performance`. */
  endedMs: number | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => (this.endedMs = performance.now()));
    socket.on("message", (data: Buffer) => {
      const text = data.subarray(1).toString();
      if (data[0] === 1) this.stdout += text;
      if (data[0] === 2) this.stderr += text;
      if (data[0] === 3) this.status = JSON.parse(text);
    });
  }

  /** Opens one, unless `signal` is aborted before; what the server says instead of 101 is thrown as `STATUS MESSAGE`. */
  static async open(
    url: string,
    {
      token,
      ca,
      protocols = ["v5.channel.k8s.io"],
      signal,
    }: { token: string; ca: string; protocols?: readonly string[]; signal?: AbortSignal },
  ): Promise<SessionClient> {
    const headers = { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url.replace(/^https/, "wss"), [...protocols], { headers, ca, perMessageDeflate: false });
    signal?.addEventListener("abort", () => socket.terminate());
    const client = new SessionClient(socket);
    const refused = new Promise<never>((_, reject) => {
      socket.once("unexpected-response", async (_request, response: IncomingMessage) => {
        let body = "";
        for await (const part of response) body += String(part);
        reject(new Error(`${response.statusCode} ${(JSON.parse(body) as { message?: string }).message}`));
        socket.terminate();
      });
      socket.once("error", reject);
    });
    await Promise.race([once(socket, "open"), refused]);
    return client;
  }

  type(text: string): void {
    this.socket.send(Buffer.concat([Buffer.of(0), Buffer.from(text)]));
  }

  /** Says that the input has ended (v5). */
  endInput(): void {
    this.socket.send(Buffer.of(255, 0));
  }

  resize(columns: number, rows: number): void {
    this.socket.send(Buffer.concat([Buffer.of(4), Buffer.from(JSON.stringify({ Width: columns, Height: rows }))]));
  }

  /** Resolves when the connection has ended. */
  async closed(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, "close");
  }
}
