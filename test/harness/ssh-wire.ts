import { readFileSync } from "node:fs";
import ssh2 from "ssh2";
import type { SshWorld } from "./ssh-world.ts";

/** What the server answers to channels and requests (RFC 4254), by ssh2's names. */
const answers = [
  ...["REQUEST_SUCCESS", "REQUEST_FAILURE", "CHANNEL_OPEN_CONFIRMATION", "CHANNEL_OPEN_FAILURE"],
  ...["CHANNEL_SUCCESS", "CHANNEL_FAILURE", "CHANNEL_CLOSE", "CHANNEL_REQUEST"],
];

interface Answer {
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Inner {
  readonly _protocol: {
    readonly _handlers: Record<string, (protocol: unknown, ...args: readonly unknown[]) => void>;
    readonly _packetRW: { readonly write: { alloc(size: number): Buffer; allocStart: number; finalize(packet: Buffer): Buffer } };
    readonly _cipher: { encrypt(packet: Buffer): void };
  };
}

/** A client that has logged in and then sends packets as they are given, whatever the protocol says. */
export class SshWire implements Disposable {
  readonly #client: InstanceType<typeof ssh2.Client>;
  readonly #inner: Inner["_protocol"];
  readonly #answers: Answer[] = [];
  #arrived = Promise.withResolvers<void>();
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;

  private constructor(client: InstanceType<typeof ssh2.Client>) {
    this.#client = client;
    // ssh2 has no way to send a packet of one's own.
    this.#inner = (client as unknown as Inner)._protocol;
    this.closed = new Promise((resolve) => client.once("close", () => resolve()));
    client.on("error", () => {});
    for (const name of answers) {
      this.#inner._handlers[name] = (_protocol, ...args) => {
        this.#answers.push({ name, args });
        this.#arrived.resolve();
        this.#arrived = Promise.withResolvers();
      };
    }
  }

  static async open({ ssh, agentKey }: SshWorld, username = "web-1"): Promise<SshWire> {
    const [host = "", port = ""] = ssh.address.split(":");
    const client = new ssh2.Client();
    await new Promise<void>((resolve, reject) => {
      client.once("ready", resolve).once("error", reject);
      client.connect({ host, port: Number(port), username, privateKey: readFileSync(agentKey), readyTimeout: 5000 });
    });
    return new SshWire(client);
  }

  /** Sends one packet. */
  send(...parts: readonly (Buffer | number | string | boolean)[]): void {
    const payload = Buffer.concat(parts.map(encoded));
    const { _packetRW: writer, _cipher: cipher } = this.#inner;
    const packet = writer.write.alloc(payload.length);
    packet.set(payload, writer.write.allocStart);
    cipher.encrypt(writer.write.finalize(packet));
  }

  /** The next answer whose name matches, what comes before it left out; `closed` when the connection ends instead. */
  async answer(name: RegExp): Promise<Answer> {
    const ended = this.closed.then(() => ({ name: "closed", args: [] }));
    for (;;) {
      const at = this.#answers.findIndex((one) => name.test(one.name));
      const found = at < 0 ? undefined : this.#answers.splice(0, at + 1).at(-1);
      if (found !== undefined) return found;
      const arrived = await Promise.race([this.#arrived.promise, ended]);
      if (arrived !== undefined) return arrived;
    }
  }

  /** Opens a session; gives the server's number for it. */
  async session(number = 0): Promise<number> {
    this.send(byte(90), "session", number, 1 << 20, 32_768);
    const { name, args } = await this.answer(/^CHANNEL_OPEN/);
    const [info] = args;
    if (name !== "CHANNEL_OPEN_CONFIRMATION") throw new Error(`${name} to a session`);
    return Number((info as { readonly sender: unknown }).sender);
  }

  [Symbol.dispose](): void {
    this.#client.end();
  }
}

/** The number of a message. */
export function byte(value: number): Buffer {
  return Buffer.of(value);
}

/** A string with its length, a uint32, a boolean (RFC 4251 §5), or bytes as they are. */
function encoded(part: Buffer | number | string | boolean): Buffer {
  if (Buffer.isBuffer(part)) return part;
  if (typeof part === "boolean") return Buffer.of(part ? 1 : 0);
  const word = Buffer.alloc(4);
  word.writeUInt32BE(typeof part === "number" ? part : Buffer.byteLength(part));
  return typeof part === "number" ? word : Buffer.concat([word, Buffer.from(part)]);
}
