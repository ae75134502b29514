import type { Failure } from "@countersign/policy";
import type { WebSocket } from "ws";
import type { Stop } from "../../stop.ts";
import { breachFailure, bytesFailure, idleFailure, leftFailure, lostFailure } from "./failure.ts";

/** How WebSockets are taken and opened: nothing is compressed, and pings are passed on instead of answered here. */
export const socketOptions = {
  /** As bodies (RFC 6455 §10.4); how many fragments it may come in is bounded by ws. */
  maxPayload: 4 * 1024 * 1024,
  perMessageDeflate: false,
  autoPong: false,
} as const;

/** Who says something. */
type Side = "client" | "target";

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
  /** What the client hears when it is stopped, where that says more than the failure. */
  readonly told?: () => string | undefined;
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
    const { client, target, stop, idleMs } = options;
    this.#idle = setTimeout(() => stop.request(idleFailure(idleMs)), idleMs);
    this.#flow("client", client, target);
    this.#flow("target", target, client);
    stop.heardBy(() => stop.reason && this.#cut(stop.reason));
    if (!this.#isOver) for (const one of [client, target]) one.resume();
  }

  get ended(): Promise<Relayed> {
    return this.#done.promise;
  }

  #flow(side: Side, from: WebSocket, to: WebSocket): void {
    const { hide, stop } = this.#options;
    let waiting = 0;
    const pass = (data: Buffer, send: (data: Buffer, sent: () => void) => void) => {
      if (this.#isOver) return;
      this.#idle.refresh();
      if (!this.#counts(data.length)) return;
      const size = data.length + messageCost;
      waiting += size;
      if (waiting > mostWaitingBytes) from.pause();
      send(side === "target" ? hide(data) : data, () => {
        waiting -= size;
        if (waiting <= mostWaitingBytes && from.isPaused) from.resume();
      });
    };
    from.on("message", (data, isBinary) => {
      if (!Buffer.isBuffer(data)) throw new TypeError("messages come as one buffer");
      pass(data, (bytes, sent) => to.send(bytes, { binary: isBinary }, sent));
    });
    from.on("ping", (data) => pass(data, (bytes, sent) => to.ping(bytes, undefined, sent)));
    from.on("pong", (data) => pass(data, (bytes, sent) => to.pong(bytes, undefined, sent)));
    from.on("error", ({ code = "" }: Error & { readonly code?: string }) => {
      // Every other code is that of a connection that ended, which is heard as such.
      if (code.startsWith("WS_ERR_")) stop.request(breachFailure(side, wordsOf(code)));
    });
    from.on("close", (code, reason) => {
      this.#open.delete(side);
      this.#closed(side, to, code, side === "target" ? hide(Buffer.from(reason)) : reason);
    });
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
    this.#isOver = true;
    clearTimeout(this.#idle);
    const { client, target, told } = this.#options;
    // Nothing is done by these where it was closing already.
    client.close(1008, shortened(told?.() ?? message));
    target.close(1001);
    for (const one of [client, target]) hangUp(one);
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
