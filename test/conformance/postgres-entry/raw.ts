import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { World } from "./world.ts";

/** One message of the server. */
export interface Message {
  readonly type: string;
  readonly body: Buffer;
}

const tlsRequest = 80877103;
const gssRequest = 80877104;

/** Start-up packets by their parts. */
export const packets = {
  tls: packet(int32(tlsRequest)),
  gss: packet(int32(gssRequest)),
  cancel: (processId: number, secret: Buffer): Buffer => packet(int32(80877102), int32(processId), secret),
  startUp: (parameters: Readonly<Record<string, string>>, minor = 0): Buffer =>
    packet(int32((3 << 16) | minor), ...Object.entries(parameters).flat().map(text), Buffer.alloc(1)),
  password: (password: string): Buffer => Buffer.concat([Buffer.from("p"), packet(text(password))]),
};

export function packet(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length + 4), body]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** A client that sends any bytes. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static open({ at }: World): RawClient {
    return new RawClient(at.host.startsWith("/") ? connect(`${at.host}/.s.PGSQL.${at.port}`) : connect(at.port, at.host));
  }

  /** TLS from the first byte on. */
  static direct({ at }: World, options: ConnectionOptions): RawClient {
    return new RawClient(connectTls({ host: at.host, port: at.port, rejectUnauthorized: false, ...options }));
  }

  send(...bytes: readonly Buffer[]): this {
    this.socket.write(Buffer.concat(bytes));
    return this;
  }

  /** One byte without a type: the answer to an encryption request. */
  async byte(): Promise<string> {
    return (await this.#take(1)).toString();
  }

  /** The next message; undefined at the end. */
  async message(): Promise<Message | undefined> {
    const header = await this.#take(5);
    if (header.length < 5) return undefined;
    return { type: header.toString("latin1", 0, 1), body: await this.#take(header.readUInt32BE(1) - 4) };
  }

  /** Everything up to a type, that one included, or up to the end. */
  async until(type: string): Promise<Message[]> {
    const messages: Message[] = [];
    for (let next = await this.message(); next !== undefined; next = await this.message()) {
      messages.push(next);
      if (next.type === type) break;
    }
    return messages;
  }

  /** The ErrorResponse that ends the connection, by field; its end is waited for. */
  async refusal(): Promise<Record<string, string>> {
    const messages = await this.until("E");
    const last = messages.at(-1);
    if (last?.type !== "E") throw new Error(`no refusal but ${messages.map(({ type }) => type).join("")}`);
    if ((await this.message()) !== undefined) throw new Error("the connection goes on after a refusal");
    const fields = last.body
      .toString()
      .split("\0")
      .filter((field) => field !== "");
    return Object.fromEntries(fields.map((field) => [field.slice(0, 1), field.slice(1)]));
  }

  /** Logs in with a token and gives everything up to ReadyForQuery. */
  async login(token: string, parameters: Readonly<Record<string, string>> = {}, minor = 0): Promise<Message[]> {
    this.send(packets.startUp({ user: "reader", database: "orders-db", ...parameters }, minor));
    const before = await this.until("R");
    this.send(packets.password(token));
    return [...before, ...(await this.until("Z"))];
  }

  /** Goes on inside TLS. */
  secured(options: ConnectionOptions = {}): RawClient {
    this.socket.removeAllListeners("data");
    const secure: TLSSocket = connectTls({ socket: this.socket, rejectUnauthorized: false, ...options });
    return new RawClient(secure);
  }

  async #take(size: number): Promise<Buffer> {
    while (this.#received.length < size && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    const taken = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(taken.length);
    return taken;
  }
}
