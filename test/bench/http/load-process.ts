/**
 * The client of the benches, in a process of its own: as little as asks for something over keep-alive connections and takes an answer with a
 * Content-Length. Takes a {@link Job} from its parent and gives back what was {@link Done}.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** What is asked for. */
export interface Job {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** Lines without their ends. */
  readonly headers: readonly string[];
  readonly bodyBytes: number;
  /** Whoever is there is trusted: it costs every way the same. */
  readonly isTls?: boolean;
  readonly connections: number;
  /** So many requests in all, or so long. */
  readonly count?: number;
  readonly ms?: number;
  /** Requests a second, evenly; default as fast as they are answered. */
  readonly rate?: number;
}

/** What came of it. */
export interface Done {
  readonly count: number;
  readonly ms: number;
  /** Of bodies. */
  readonly bytes: number;
  /** Milliseconds that each took. */
  readonly took: readonly number[];
}

const endOfHead = Buffer.from("\r\n\r\n");
const part = Buffer.alloc(256 * 1024, "0");

process.on("message", (job: Job) => {
  run(job).then(
    (done) => process.send?.(done),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.once("disconnect", () => process.exit());

async function run(job: Job): Promise<Done> {
  const { connections, count = Number.POSITIVE_INFINITY, ms = Number.POSITIVE_INFINITY, rate } = job;
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(job)));
  const took: number[] = [];
  const began = performance.now();
  let [begun, bytes] = [0, 0];
  const wait = rate === undefined ? 0 : (1000 * connections) / rate;
  const work = async (lane: Lane, place: number): Promise<void> => {
    let due = began + (wait * place) / connections;
    while (begun < count && performance.now() - began < ms) {
      begun++;
      if (wait > 0) {
        const early = due - performance.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        due += wait;
      }
      const sent = performance.now();
      bytes += await lane.ask();
      took.push(performance.now() - sent);
    }
  };
  const lanes = sockets.map((socket) => new Lane(socket, job));
  await Promise.all(lanes.map(work));
  const done = { count: took.length, ms: performance.now() - began, bytes, took };
  for (const socket of sockets) socket.destroy();
  return done;
}

/** One connection, with one request at a time. */
class Lane {
  readonly #socket: Socket;
  readonly #head: Buffer;
  readonly #bodyBytes: number;
  #answered: PromiseWithResolvers<number> | undefined;
  #kept: Buffer | undefined;
  /** Of the body that is being read; undefined = a head comes. */
  #left: number | undefined;
  #length = 0;

  constructor(socket: Socket, { method, path, headers, bodyBytes }: Job) {
    const lines = [
      `${method} ${path} HTTP/1.1`,
      "Host: bench",
      ...headers,
      ...(bodyBytes > 0 ? [`Content-Length: ${bodyBytes}`] : []),
    ];
    this.#head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
    this.#bodyBytes = bodyBytes;
    this.#socket = socket;
    socket.on("data", (data) => this.#hear(data));
    socket.on("close", () => this.#answered?.reject(new Error("the connection ended")));
  }

  /** Asks, and gives the length of the answer's body. */
  ask(): Promise<number> {
    this.#answered = Promise.withResolvers<number>();
    this.#socket.write(this.#head);
    if (this.#bodyBytes > 0) this.#send(this.#bodyBytes);
    return this.#answered.promise;
  }

  #send(left: number): void {
    for (let rest = left; rest > 0; rest -= part.length) {
      if (this.#socket.write(rest < part.length ? part.subarray(0, rest) : part)) continue;
      const after = rest - part.length;
      if (after > 0) this.#socket.once("drain", () => this.#send(after));
      return;
    }
  }

  #hear(data: Buffer): void {
    if (this.#left !== undefined) {
      this.#take(data.length);
      return;
    }
    const all = this.#kept === undefined ? data : Buffer.concat([this.#kept, data]);
    const end = all.indexOf(endOfHead);
    this.#kept = end < 0 ? all : undefined;
    if (end < 0) return;
    const head = all.toString("latin1", 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (!head.startsWith("HTTP/1.1 200") || Number.isNaN(length)) {
      this.#answered?.reject(new Error(head));
      return;
    }
    this.#length = this.#left = length;
    this.#take(all.length - end - endOfHead.length);
  }

  #take(bytes: number): void {
    this.#left = (this.#left ?? 0) - bytes;
    if (this.#left > 0) return;
    this.#left = undefined;
    this.#answered?.resolve(this.#length);
  }
}

function open({ port, isTls = false }: Job): Promise<Socket> {
  const to = { port, host: "127.0.0.1", noDelay: true };
  return new Promise((resolve, reject) => {
    const socket = isTls ? connectTls({ ...to, servername: "localhost", rejectUnauthorized: false }) : connect(to);
    socket.once(isTls ? "secureConnect" : "connect", () => resolve(socket)).once("error", reject);
  });
}
