import { connect, type Socket } from "node:net";
import { message, startup } from "./messages.ts";
import type { Door } from "./psql.ts";

/** A message of the server. */
export interface Answer {
  readonly type: string;
  readonly body: Buffer;
}

/** A connection on which a test writes bytes as it likes. A door whose host is a path is a Unix socket. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  readonly answers: Answer[] = [];
  ended = false;
  #rest: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};

  private constructor(door: Door) {
    this.socket = door.host.startsWith("/")
      ? connect(`${door.host}/.s.PGSQL.${door.port}`)
      : connect({ host: door.host, port: door.port, noDelay: true });
    this.socket.on("data", (data: Buffer) => this.#take(data));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.ended = true;
      this.#wake();
    });
  }

  /** Only the TCP connection: nothing has been said. */
  static bare(door: Door): RawClient {
    return new RawClient(door);
  }

  /** Through start-up and the password, until the server is ready. What was said so far is forgotten. */
  static async open(door: Door, parameters: Readonly<Record<string, string>> = {}): Promise<RawClient> {
    const client = new RawClient(door);
    const options: Record<string, string> = door.options === undefined ? {} : { options: door.options };
    client.write(startup({ user: door.user, database: door.database, ...options, ...parameters }));
    const asked = await client.until(({ type }) => type === "R" || type === "E");
    if (asked.type === "R" && asked.body.readInt32BE(0) === 3) client.write(message.password(door.password));
    await client.ready();
    client.answers.length = 0;
    return client;
  }

  write(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Writes and waits for so many ReadyForQuery; gives the answers up to there. */
  async ask(bytes: Buffer | readonly Buffer[], ready = 1): Promise<readonly Answer[]> {
    this.answers.length = 0;
    this.write(...(Buffer.isBuffer(bytes) ? [bytes] : bytes));
    await this.ready(ready);
    return [...this.answers];
  }

  /** Waits until the server is ready as many times, counted over all answers that are remembered. */
  async ready(times = 1): Promise<void> {
    await this.#when(() => this.answers.filter(({ type }) => type === "Z").length >= times, `${times} ReadyForQuery`);
  }

  /** Waits for an answer. */
  async until(wanted: (answer: Answer) => boolean): Promise<Answer> {
    await this.#when(() => this.answers.some(wanted), "an answer");
    return this.answers.find(wanted) as Answer;
  }

  /** Waits until the server has closed the connection. */
  async end(): Promise<void> {
    await this.#when(() => this.ended, "the end");
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  async #when(condition: () => boolean, what: string): Promise<void> {
    const until = Date.now() + 15_000;
    while (!condition()) {
      if (this.ended) throw new Error(`The connection ended before ${what}: ${transcript(this.answers).join("\n")}`);
      const left = until - Date.now();
      if (left <= 0) throw new Error(`Waited in vain for ${what}: ${transcript(this.answers).join("\n")}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #take(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const length = this.#rest.length < 5 ? Number.POSITIVE_INFINITY : 1 + this.#rest.readInt32BE(1);
      if (this.#rest.length < length) break;
      this.answers.push({ type: this.#rest.toString("latin1", 0, 1), body: Buffer.from(this.#rest.subarray(5, length)) });
      this.#rest = this.#rest.subarray(length);
    }
    this.#wake();
  }
}

/** The fields of an ErrorResponse or NoticeResponse by their letters (§53.8). */
export function fieldsOf(answer: Answer | undefined): Readonly<Record<string, string>> {
  const fields = answer?.body.toString().split("\0").filter(Boolean) ?? [];
  return Object.fromEntries(fields.map((field) => [field.slice(0, 1), field.slice(1)]));
}

/**
 * The answers as lines that can be compared. Left out are the process id in a notification, and the places in the server's own source that an
 * error names (fields F, L, R of §53.8): an error of ours has none, and a later version has others. psql shows them where asked to, which the
 * scripts compare.
 */
export function transcript(answers: readonly Answer[]): readonly string[] {
  return answers.map(({ type, body }) => {
    if (type === "A") return `A <pid> ${printable(body.subarray(4))}`;
    const isComplaint = type === "E" || type === "N";
    return `${type} ${printable(isComplaint ? withoutPlaces(body) : body)}`;
  });
}

function withoutPlaces(body: Buffer): Buffer {
  const fields = body.toString("latin1").split("\0");
  return Buffer.from(fields.filter((field) => !/^[FLR]/.test(field)).join("\0"), "latin1");
}

function printable(body: Buffer): string {
  const text = body.toString("latin1");
  return text.replaceAll(/[^\x20-\x7e]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
