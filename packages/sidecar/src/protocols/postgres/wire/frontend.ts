import { WireError } from "./wire-error.ts";

/** Types of the messages that a client may send after start-up (§53.7), by their letters. */
export const client = {
  bind: 0x42,
  close: 0x43,
  describe: 0x44,
  execute: 0x45,
  functionCall: 0x46,
  flush: 0x48,
  parse: 0x50,
  query: 0x51,
  sync: 0x53,
  terminate: 0x58,
  copyData: 0x64,
  copyDone: 0x63,
  copyFail: 0x66,
} as const;

/** The largest messages that are kept, bytes with their header. */
interface ClientCaps {
  /** Query and Parse. */
  readonly statement: number;
  readonly bind: number;
}

/** Takes what {@link ClientFrames} found, in the order of the wire. */
interface ClientFrameHandler {
  /** A whole message, header included, as a view of the chunk where it came in one. */
  frame(type: number, frame: Buffer): void;
  /** The next part of a CopyData message of any size; the first one begins with its header. `left` bytes of it are still to come. */
  copyData(part: Buffer, left: number): void;
  /** A message above its cap; nothing of it is kept. */
  oversized(type: number, size: number): void;
}

/** Names, counts and the reason of a CopyFail fit into this. */
const smallCap = 64 * 1024;
const headerBytes = 5;
/** As PostgreSQL's own bound (PQ_LARGE_MESSAGE_LIMIT). */
const largest = 0x3fffffff;
const exactly4 = new Set<number>([client.flush, client.sync, client.terminate, client.copyDone]);
const known = new Set<number>(Object.values(client));

/**
 * Splits a client's byte stream after start-up into messages. Bodies are not looked into; no more than one message up to its cap is kept.
 */
export class ClientFrames {
  readonly #caps: ReadonlyMap<number, number>;
  readonly #handler: ClientFrameHandler;
  /** A message that began in an earlier chunk: first its header, then all of it. */
  #partial: Buffer = none;
  #filled = 0;
  /** Bytes of a message that are still to come and are passed on (CopyData) or dropped as they come. */
  #left = 0;
  #drops = false;

  constructor(caps: ClientCaps, handler: ClientFrameHandler) {
    this.#handler = handler;
    this.#caps = new Map([
      [client.query, caps.statement],
      [client.parse, caps.statement],
      [client.bind, caps.bind],
      [client.functionCall, caps.bind],
    ]);
  }

  /**
   * Takes the next bytes and tells the handler of what they complete.
   *
   * @throws {WireError} 08P01, fatal, for a message of unknown type or impossible length: nobody can tell where the next one begins.
   */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) at = this.#stream(chunk, at);
      else if (this.#partial.length > 0) at = this.#fill(chunk, at);
      else if (chunk.length - at < headerBytes) at = this.#keep(chunk, at, headerBytes);
      else at = this.#message(chunk, at);
    }
  }

  #stream(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    if (!this.#drops) this.#handler.copyData(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), this.#left);
    return end;
  }

  #keep(chunk: Buffer, at: number, length: number): number {
    this.#partial = Buffer.allocUnsafe(length);
    this.#filled = chunk.copy(this.#partial, 0, at);
    return chunk.length;
  }

  #fill(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#partial, this.#filled, at);
    this.#filled += taken;
    if (this.#filled < this.#partial.length) return at + taken;
    const whole = this.#partial;
    this.#partial = none;
    if (whole.length === headerBytes && sizeOf(whole, 0) > headerBytes) this.#begin(whole);
    else this.#message(whole, 0);
    return at + taken;
  }

  /** A header that came alone: what belongs to it follows in the next chunk. */
  #begin(header: Buffer): void {
    const type = header[0] ?? 0;
    const size = checkedSize(header, 0);
    if (type === client.copyData || size > this.#capOf(type)) this.#open(header, type, size);
    else this.#keep(header, 0, size);
  }

  /** The message at `at`, as far as it is there; gives where the next one begins. */
  #message(chunk: Buffer, at: number): number {
    const type = chunk[at] ?? 0;
    const size = checkedSize(chunk, at);
    const end = at + size;
    if (type === client.copyData || size > this.#capOf(type)) {
      const there = Math.min(end, chunk.length);
      this.#open(chunk.subarray(at, there), type, size);
      return there;
    }
    if (end > chunk.length) return this.#keep(chunk, at, size);
    this.#handler.frame(type, at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    return end;
  }

  /** A message that is not kept as a whole. */
  #open(part: Buffer, type: number, size: number): void {
    this.#left = size - part.length;
    this.#drops = type !== client.copyData;
    if (this.#drops) this.#handler.oversized(type, size);
    else this.#handler.copyData(part, this.#left);
  }

  #capOf(type: number): number {
    return this.#caps.get(type) ?? smallCap;
  }
}

const none = Buffer.alloc(0);

function sizeOf(bytes: Buffer, at: number): number {
  return 1 + bytes.readUInt32BE(at + 1);
}

function checkedSize(bytes: Buffer, at: number): number {
  const type = bytes[at] ?? 0;
  if (!known.has(type)) throw new WireError("08P01", `invalid frontend message type ${type}`, true);
  const size = sizeOf(bytes, at);
  if (size < headerBytes || size > largest || (exactly4.has(type) && size !== headerBytes))
    throw new WireError("08P01", "invalid message length", true);
  return size;
}
