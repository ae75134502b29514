import type { Duplex } from "node:stream";
import { type DatabaseError, serialize } from "pg-protocol";
import {
  type BackendMessage,
  CommandCompleteMessage,
  CopyResponse,
  ParameterStatusMessage,
  ReadyForQueryMessage,
  RowDescriptionMessage,
} from "pg-protocol/dist/messages.js";
import { decodeRows, type FrameCaps, FrameSplitter, isServerError, ProtocolViolation } from "./codec.ts";
import type { Receiver, Reply, TransactionStatus } from "./exchange.ts";
import type { LentHandler, ParameterStatuses } from "./lent.ts";
import type { ServerReads } from "./server-reads.ts";

/** The connection ended before the server was ready again: what it was doing is in doubt. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  /** What the server said last, e.g. 57P01 (terminated by an administrator). */
  readonly serverError: DatabaseError | undefined;

  constructor(serverError: DatabaseError | undefined, cause?: unknown) {
    super("The connection to the database ended", { cause });
    this.serverError = serverError;
  }
}

/** What an upstream is tied to besides its socket. */
export interface UpstreamOptions {
  readonly caps: FrameCaps;
  /** Whether this ParameterStatus means that the session cannot be trusted any more. */
  readonly drifted: (name: string, value: string) => boolean;
  /** Sends a CancelRequest on its own connection and resolves when the server has taken it. */
  readonly cancel: () => Promise<void>;
  /** Of the server's process that serves it. */
  readonly processId: number;
  /** What the server reported at the start. */
  readonly statuses: ParameterStatuses;
  /** Reads the socket, when that does not do so itself. */
  readonly reads?: ServerReads | undefined;
}

/** What a server sends without being asked: notices, notifications, changed settings (§53.2.7). */
const unasked = new Set(Buffer.from("NAS"));

/** One authenticated connection: a request goes out, the answer up to ReadyForQuery comes back. One exchange at a time. */
export class Upstream {
  readonly #stream: Duplex;
  readonly #options: UpstreamOptions;
  readonly #splitter: FrameSplitter;
  #exchange:
    | { receiver: Receiver; reply: Mutable<Reply>; resolve: (reply: Reply) => void; reject: (error: Error) => void }
    | undefined;
  /** The protocol of the request: in copy mode a Sync that was sent ahead is lost (§53.2.6). */
  #extended = false;
  #lastError: DatabaseError | undefined;
  #status: TransactionStatus = "I";
  #tainted = false;
  #closed = false;
  /** Whom the bytes of the server go to as they are, except those of an exchange of ours. */
  #lent: LentHandler | undefined;
  readonly #whenClosed = Promise.withResolvers<void>();

  /** Takes over the socket of an idle, authenticated session. */
  constructor(stream: Duplex, options: UpstreamOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#splitter = new FrameSplitter(options.caps, {
      rows: (data, count) => this.#exchange?.receiver.rows?.(data, count),
      oversized: (size) => this.#oversized(size),
      message: (message, frame) => this.#message(message, frame),
    });
    if (options.reads) options.reads.give((chunk) => this.#receive(chunk));
    else stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("drain", () => this.#lent?.drained());
    stream.on("error", (error) => this.#lose(error));
    stream.on("close", () => this.#lose());
  }

  /** The transaction status after the last exchange. */
  get status(): TransactionStatus {
    return this.#status;
  }

  /** Whether the session is as it was at its start, as far as the server has told. */
  get trusted(): boolean {
    return !this.#tainted && !this.#closed && this.#exchange === undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Of the server's process that serves it. */
  get processId(): number {
    return this.#options.processId;
  }

  /** What the server reported at the start. */
  get statuses(): ParameterStatuses {
    return this.#options.statuses;
  }

  /** Resolves when the connection has ended, for whatever reason. */
  get whenClosed(): Promise<void> {
    return this.#whenClosed.promise;
  }

  /**
   * Sends an extended-protocol request that ends with Sync.
   *
   * @throws {ConnectionLost} when the connection ends before the server is ready again.
   */
  extended(request: Buffer, receiver: Receiver): Promise<Reply> {
    this.#extended = true;
    return this.#send(request, receiver);
  }

  /**
   * Runs constant SQL of ours, possibly several statements, in the simple protocol.
   *
   * @throws {ConnectionLost} as {@link extended}.
   */
  simple(sql: string, receiver: Receiver = {}): Promise<Reply> {
    this.#extended = false;
    return this.#send(serialize.query(sql), receiver);
  }

  /**
   * Asks one of our own questions and gives its rows.
   *
   * @throws {ConnectionLost} as {@link extended}, {DatabaseError} when the server refuses.
   */
  async ask(sql: string): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = [];
    const reply = await this.simple(sql, { rows: (data, count) => rows.push(...decodeRows(data, count)) });
    if (reply.error) throw reply.error;
    return rows;
  }

  /** Passes the server's bytes to a handler as they are, until {@link takeBack}. */
  lend(handler: LentHandler): void {
    if (!this.trusted || this.#lent) throw new TypeError("The connection cannot be lent");
    this.#lent = handler;
  }

  /** Ends {@link lend}: the server has answered everything, and said this last. */
  takeBack(status: TransactionStatus): void {
    this.#lent = undefined;
    this.#status = status;
    this.#stream.resume();
  }

  /** Sends bytes while it is lent; `false` = wait for `drained`. */
  write(bytes: Buffer | readonly Buffer[]): boolean {
    if (Buffer.isBuffer(bytes)) return this.#stream.write(bytes);
    this.#stream.cork();
    for (const one of bytes) this.#stream.write(one);
    this.#stream.uncork();
    return !this.#stream.writableNeedDrain;
  }

  /** Stops reading, so that the server has to wait (TCP backpressure). */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Asks the server to stop what it is doing. After it the session is not used again: a late cancel would hit somebody else's statement. */
  cancel(): Promise<void> {
    this.#tainted = true;
    return this.#options.cancel();
  }

  /** Says goodbye and closes. */
  end(): void {
    if (this.#closed) return;
    this.#tainted = true;
    this.#stream.end(serialize.end());
    this.#stream.resume();
    // A server that does not close its side in time is not waited for.
    setTimeout(() => this.#stream.destroy(), 1000).unref();
  }

  /** Closes at once; the server rolls back what is open. */
  destroy(): void {
    this.#stream.destroy();
    this.#lose();
  }

  #send(request: Buffer, receiver: Receiver): Promise<Reply> {
    if (this.#closed) return Promise.reject(new ConnectionLost(this.#lastError));
    if (this.#exchange) return Promise.reject(new TypeError("The connection is busy"));
    return new Promise((resolve, reject) => {
      this.#splitter.capRows(receiver.maxRowBytes);
      this.#exchange = { receiver, reply: { status: "I" }, resolve, reject };
      this.#stream.write(request);
    });
  }

  /** Gives whether nobody will look at the chunk any more. */
  #receive(chunk: Buffer): boolean {
    try {
      if (this.#lent && !this.#exchange) return this.#lent.data(chunk);
      this.#splitter.push(chunk);
      this.#passPartial();
    } catch (error) {
      this.#stream.destroy();
      this.#lose(error);
    }
    return false;
  }

  /** A message that began in the chunk that ended our exchange is for whom it is lent to. */
  #passPartial(): void {
    if (!this.#lent || this.#exchange) return;
    const partial = this.#splitter.takePartial();
    if (partial.length > 0) this.#lent.data(partial);
  }

  #message(message: BackendMessage, frame: Buffer): void {
    if (this.#lent && (!this.#exchange || unasked.has(frame[0] ?? 0))) this.#lent.data(Buffer.from(frame));
    if (this.#lent && !this.#exchange) return;
    const reply = this.#exchange?.reply;
    if (isServerError(message)) {
      this.#lastError = message;
      if (reply) reply.error ??= message;
      else this.#tainted = true;
      return;
    }
    if (message instanceof RowDescriptionMessage) this.#exchange?.receiver.columns?.(message.fields);
    else if (message instanceof ReadyForQueryMessage) this.#ready(message);
    else if (message instanceof ParameterStatusMessage) this.#parameter(message);
    else if (message instanceof CopyResponse) this.#refuseCopy(message.name === "copyInResponse");
    else if (message instanceof CommandCompleteMessage && reply) reply.tag = message.text;
    else if (message.name === "emptyQuery" && reply) reply.empty = true;
    // Completions of single steps, notices, notifications and refused copy data say nothing that the caller needs.
  }

  #refuseCopy(fromClient: boolean): void {
    if (this.#exchange) this.#exchange.reply.copy = true;
    if (!fromClient) {
      this.cancel().catch(() => this.destroy());
      return;
    }
    this.#stream.write(serialize.copyFail("Countersign does not copy data over this connection"));
    // While it copies, the server drops a Sync; after the failure it waits for one.
    if (this.#extended) this.#stream.write(serialize.sync());
  }

  #parameter(message: ParameterStatusMessage): void {
    if (this.#options.drifted(message.parameterName, message.parameterValue)) this.#tainted = true;
  }

  #ready({ status }: ReadyForQueryMessage): void {
    const exchange = this.#exchange;
    if (!exchange || (status !== "I" && status !== "T" && status !== "E"))
      throw new ProtocolViolation("Unexpected ReadyForQuery");
    this.#exchange = undefined;
    this.#status = exchange.reply.status = status;
    // Rows of the same chunk may have paused it; an idle connection must notice its end.
    this.#stream.resume();
    exchange.resolve(exchange.reply);
  }

  /** The rest of the stream is not read. */
  #oversized(size: number): void {
    const exchange = this.#exchange;
    // A server that is busy notices a closed connection late.
    void this.#options.cancel().catch(() => {});
    this.#exchange = undefined;
    this.#stream.destroy();
    this.#lose();
    if (exchange) exchange.resolve({ ...exchange.reply, oversizedRow: size });
  }

  #lose(cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = this.#tainted = true;
    this.#exchange?.reject(new ConnectionLost(this.#lastError, cause));
    this.#exchange = undefined;
    this.#whenClosed.resolve();
    this.#lent?.closed(cause instanceof Error ? cause : this.#lastError);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
