import type { Failure } from "@countersign/policy";
import type { WebSocket } from "ws";
import type { Stop } from "../stop.ts";
import { breachFailure, bytesFailure, idleFailure, leftFailure, lostFailure } from "./failure.ts";

/** How WebSockets are taken and opened: nothing is compressed, and pings are passed on instead of answered here. */
export const socketOptions = {
  /** RFC 6455 §10.4. */
  maxPayload: 16 * 1024 * 1024,
  perMessageDeflate: false,
  autoPong: false,
} as const;

/** Who says something. */
export type Side = "client" | "target";

/** One whole message, however many frames it came in. */
export interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** Sees what goes through, in order, before it goes on. */
export interface Watch {
  /**
   * What goes on instead of a message; undefined = nothing does. What it waits for, the messages behind it wait for.
   *
   * @throws {WatchError} ends everything.
   */
  message?(from: Side, message: Message): Message | undefined | Promise<Message | undefined>;
  /** It begins; `end` ends everything, at once. */
  begun?(end: (failure: Failure) => void): void;
}

/** Why a {@link Watch} lets nothing more through. */
export class WatchError extends Error {
  override readonly name = "WatchError";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What is relayed, and how far. */
export interface RelayOptions {
  readonly client: WebSocket;
  readonly target: WebSocket;
  readonly stop: Stop;
  /** At most so much of what both say, together. */
  readonly bytes: number | undefined;
  /** After so long without a word of either it ends, milliseconds; pings are words. */
  readonly idleMs: number;
  /** Takes the target's credential out of what it says. */
  readonly hide: (data: Buffer) => Buffer;
  readonly watch?: Watch;
}

/** What went through. */
export interface Relayed {
  readonly bytes: number;
  /** Why it ended, when it was not closed by one of the two. */
  readonly failure?: Failure;
}

/** So much may wait for a slow side before the other is not read any more. */
const mostWaitingBytes = 256 * 1024;
/** What a message costs besides its bytes: many empty ones fill memory, too. */
const messageCost = 64;
/** How long a side that was told of the end may take to hang up. */
const hangUpMs = 100;

/** Passes on what both say until one of them closes, or it is stopped. Every message is read whole and written anew. */
export function relay(options: RelayOptions): Promise<Relayed> {
  return new Relay(options).ended;
}

class Relay {
  readonly #options: RelayOptions;
  readonly #done = Promise.withResolvers<Relayed>();
  readonly #idle: NodeJS.Timeout;
  readonly #open = new Set<Side>(["client", "target"]);
  #failure: Failure | undefined;
  #isOver = false;
  #bytes = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { client, target, stop, idleMs, watch } = options;
    this.#idle = setTimeout(() => stop.request(idleFailure(idleMs)), idleMs);
    this.#flow("client", client, target);
    this.#flow("target", target, client);
    stop.heardBy(() => stop.reason && this.#cut(stop.reason));
    watch?.begun?.((failure) => stop.request(failure));
    if (!this.#isOver) for (const one of [client, target]) one.resume();
  }

  get ended(): Promise<Relayed> {
    return this.#done.promise;
  }

  #flow(side: Side, from: WebSocket, to: WebSocket): void {
    const queue = new Queue(from, (error) => this.#broken(side, error));
    const { hide, watch } = this.#options;
    const give = (data: Buffer, size: number, send: (data: Buffer, done: () => void) => void) => {
      if (this.#isOver || !this.#counts(data.length)) return queue.left(size);
      send(side === "target" ? hide(data) : data, () => this.#isOver || queue.left(size));
    };
    const enter = (length: number, step: (size: number) => void | Promise<void>) => {
      if (this.#isOver) return;
      this.#idle.refresh();
      queue.enter(length + messageCost, (size) => (this.#isOver ? undefined : step(size)));
    };
    from.on("message", (data, isBinary) => {
      if (!Buffer.isBuffer(data)) return this.#broken(side, new TypeError("messages come as one buffer"));
      const write = (size: number, message: Message | undefined) =>
        message === undefined
          ? queue.left(size)
          : give(message.data, size, (bytes, done) => to.send(bytes, { binary: message.isBinary }, done));
      enter(data.length, (size) => {
        const seen = watch?.message === undefined ? { data, isBinary } : watch.message(side, { data, isBinary });
        return seen instanceof Promise ? seen.then((message) => write(size, message)) : write(size, seen);
      });
    });
    for (const word of ["ping", "pong"] as const)
      from.on(word, (data) => enter(data.length, (size) => give(data, size, (bytes, done) => to[word](bytes, undefined, done))));
    from.on("error", (error) => this.#broken(side, error));
    from.on("close", (code, reason) => {
      this.#open.delete(side);
      const words = side === "target" ? hide(Buffer.from(reason)) : reason;
      queue.last(() => this.#closed(side, to, code, words));
    });
  }

  #broken(side: Side, error: unknown): void {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (error instanceof WatchError) this.#options.stop.request(error.failure);
    // Every other code is that of a connection that ended, which is heard as such.
    else if (code === undefined || code.startsWith("WS_ERR_"))
      this.#options.stop.request(breachFailure(side, wordsOf(code ?? "it could not be read")));
  }

  /** Counts what is to be passed on; false when it is more than may be. */
  #counts(size: number): boolean {
    const { bytes: limit = Number.POSITIVE_INFINITY, stop } = this.#options;
    if (this.#bytes + size > limit) {
      stop.request(bytesFailure(limit));
      return false;
    }
    this.#bytes += size;
    return true;
  }

  /** One side has closed: the other hears it, with its code where it may be said (RFC 6455 §7.4.1). */
  #closed(side: Side, to: WebSocket, code: number, reason: Buffer): void {
    if (!this.#isOver) {
      if (code === 1006) this.#failure ??= side === "client" ? leftFailure() : lostFailure();
      this.#isOver = true;
      clearTimeout(this.#idle);
      if (code === 1005) to.close();
      else if (code === 1006) to.close(side === "client" ? 1001 : 1014);
      else to.close(code, reason);
      // What it still says is read and forgotten, so that its closing is seen.
      to.resume();
    }
    if (this.#open.size > 0) return;
    clearTimeout(this.#idle);
    const failure = this.#options.stop.reason ?? this.#failure;
    this.#done.resolve({ bytes: this.#bytes, ...(failure && { failure }) });
  }

  /** In this very turn nothing more is passed on. */
  #cut({ message }: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#idle);
    const { client, target } = this.#options;
    client.close(1008, shortened(message));
    target.close(1001);
    for (const one of [client, target]) hangUp(one);
  }
}

/** What one side says, in order, on its way to the other. */
class Queue {
  readonly #from: WebSocket;
  readonly #fail: (error: unknown) => void;
  #waiting = 0;
  #last: Promise<void> | undefined;

  constructor(from: WebSocket, fail: (error: unknown) => void) {
    this.#from = from;
    this.#fail = fail;
  }

  /** Takes a step once those before it are done; so much waits with it until it has {@link left}. */
  enter(size: number, step: (size: number) => void | Promise<void>): void {
    this.#waiting += size;
    if (this.#waiting > mostWaitingBytes && !this.#from.isPaused) this.#from.pause();
    this.last(() => step(size));
  }

  /** The last of it is on its way, or forgotten. */
  left(size: number): void {
    this.#waiting -= size;
    if (this.#waiting <= mostWaitingBytes && this.#from.isPaused) this.#from.resume();
  }

  /** Does something when all before it is done; at once where nothing is waited for. */
  last(step: () => void | Promise<void>): void {
    try {
      const going = this.#last === undefined ? step() : this.#last.then(step);
      if (!(going instanceof Promise)) return;
      const next = going.catch(this.#fail).then(() => {
        if (this.#last === next) this.#last = undefined;
      });
      this.#last = next;
    } catch (error) {
      this.#fail(error);
    }
  }
}

function hangUp(socket: WebSocket): void {
  socket.resume();
  const timer = setTimeout(() => socket.terminate(), hangUpMs);
  socket.once("close", () => clearTimeout(timer));
}

/** RFC 6455 §5.5: a control frame has room for 125 bytes, two of which are the code. */
function shortened(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= 123) return message;
  return `${bytes
    .subarray(0, 119)
    .toString()
    .replace(/\uFFFD+$/, "")}…`;
}

function wordsOf(code: string): string {
  return code.replace("WS_ERR_", "").replaceAll("_", " ").toLowerCase();
}
