import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { testAuthority } from "./certificate.ts";
import { Instance } from "./instance.ts";
import { Nginx } from "./nginx.ts";

/** WebSockets and streams of events by explicit rules; everything else that is read is free. */
const policy = `version: 1
rules:
  - { id: reading-is-free, resources: [live], when: 'http.method == "GET" && http.segments[0] != "held"', effect: allow, role: reader }
  - { id: sockets, resources: [live, proxied], when: 'http.upgrade == "websocket" && http.segments[0] == "live"', effect: allow, role: reader }
  - { id: short, resources: [live], when: 'http.upgrade == "websocket" && http.segments[0] == "short"', effect: allow, role: reader, limits: { bytes: 1000 } }
  - id: held
    resources: [live]
    when: http.upgrade == "websocket" && http.segments[0] == "held"
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: swept
    resources: [live]
    when: http.segments[0] == "swept"
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - { id: events, resources: [live], when: 'http.events && http.segments[0] == "events"', effect: allow, role: reader }
  - { id: posts, resources: [live], when: 'http.method == "POST"', effect: allow, role: reader }
`;

/** The target's credential, which nobody else may see. */
export const socketToken = "t0ken-of-the-target";

/** A target of WebSockets that keeps what it parsed. */
export class WebSocketUpstream implements AsyncDisposable {
  readonly seen: IncomingMessage[] = [];
  readonly open = new Set<WebSocket>();
  /** What is done instead of opening one, by path. */
  readonly instead = new Map<string, (socket: Duplex, request: IncomingMessage) => void>();
  readonly requests = new Map<string, Parameters<typeof createServer>[1] & object>();
  /** What a client said, by path. */
  readonly said: string[] = [];
  readonly #raw = new Set<Duplex>();
  readonly #server: Server;
  readonly #sockets: WebSocketServer;

  private constructor() {
    this.#server = createServer((request, response) => {
      const answer = this.requests.get(request.url?.split("?")[0] ?? "");
      if (answer !== undefined) return answer(request, response);
      response.end("plain");
    });
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
    this.#server.on("upgrade", (request: IncomingMessage, socket, head) => {
      this.seen.push(request);
      const instead = this.instead.get(request.url?.split("?")[0] ?? "");
      socket.on("error", () => {});
      if (instead !== undefined) {
        this.#raw.add(socket.resume());
        return instead(socket, request);
      }
      this.#sockets.handleUpgrade(request, socket, head, (open) => this.#serve(open, request));
    });
  }

  static async start(): Promise<WebSocketUpstream> {
    const upstream = new WebSocketUpstream();
    upstream.#server.listen(0, "127.0.0.1");
    await once(upstream.#server, "listening");
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): IncomingMessage {
    const last = this.seen.at(-1);
    if (last === undefined) throw new Error("nothing reached the upstream");
    return last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.open) one.terminate();
    for (const one of this.#raw) one.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: WebSocket, { headers }: IncomingMessage): void {
    this.open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.open.delete(socket));
    socket.on("message", (data, isBinary) => {
      const text = String(data);
      this.said.push(text);
      const close = /^close (\d+) (.*)$/.exec(text);
      if (close !== null) socket.close(Number(close[1]), close[2]);
      else if (text === "drop") socket.terminate();
      else if (text === "who am I") socket.send(`you are ${headers.authorization ?? headers["x-api-key"]}`);
      else socket.send(data, { binary: isBinary });
    });
  }
}

/** An instance in front of it. */
export interface WebSocketWorld extends AsyncDisposable {
  readonly upstream: WebSocketUpstream;
  readonly instance: Instance;
  /** Of the listener, `http://…`. */
  readonly base: string;
  /** Of another one, whose target is nginx with TLS in front of the same. */
  readonly proxied: string;
}

/** Starts both. */
export async function webSocketWorld(): Promise<WebSocketWorld> {
  await using parts = new AsyncDisposableStack();
  const upstream = parts.use(await WebSocketUpstream.start());
  const authority = testAuthority("localhost");
  const locations = `location / { proxy_pass http://127.0.0.1:${upstream.port}; proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }`;
  const nginx = parts.use(await Nginx.start(authority, locations));
  const config = `  - name: live
    type: http
    origin: http://127.0.0.1:${upstream.port}
    tls: disable
    allowPrivate: true
    roles:
      reader: { bearer: { file: token } }
      writer: { header: { name: x-api-key, value: { file: token } } }
  - name: proxied
    type: http
    origin: https://localhost:${nginx.port}
    tls: { ca: { file: ca.pem } }
    allowPrivate: true
    roles:
      reader: { bearer: { file: token } }
sidecar:
  http: [{ tcp: "127.0.0.1:0", resource: live }, { tcp: "127.0.0.1:0", resource: proxied }]
`;
  const instance = parts.use(await Instance.start({ policy, config, files: { token: socketToken, "ca.pem": authority.ca } }));
  const all = parts.move();
  const [base = "", proxied = ""] = instance.at.http.map(({ url }) => url);
  return { upstream, instance, base, proxied, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
