import { ProtocolViolation } from "../codec.ts";
import { server } from "./server-message.ts";

/** Takes what {@link ServerFrames} found, in the order of the wire. */
export interface ServerFrameHandler {
  /** A DataRow or CopyData with a body of so many bytes; whether the client gets it. */
  row(type: number, size: number): boolean;
  /** A part of the body of a row. */
  part(bytes: Buffer): void;
  /** Any other message, whole, from `at` to `end`; whether the client gets it. */
  message(type: number, chunk: Buffer, at: number, end: number): boolean;
  /** Bytes for the client, in order; whole messages but for rows, which may be cut anywhere. */
  toClient(bytes: Buffer): void;
}

export const headerBytes = 5;
/** A message other than a row that is larger than this is no answer to anything; bytes. */
const largestMessage = 16 * 1024 * 1024;
const letters: ReadonlySet<number> = new Set(Object.values(server));

/**
 * Goes through a server's bytes message by message. What the client gets goes in as few pieces as possible, as the bytes that it came as; of a row
 * only the header is read.
 */
export class ServerFrames {
  readonly #handler: ServerFrameHandler;
  /** Bytes of a row that are still to come, and whether they are passed on. */
  #left = 0;
  #passes = false;
  #partial: Buffer | undefined;
  #filled = 0;
  /** What was said while a message was looked at: it goes after it. */
  #said: Buffer[] = [];
  #looking = false;

  constructor(handler: ServerFrameHandler) {
    this.#handler = handler;
  }

  /** Whether the client is in the middle of a row. */
  get midMessage(): boolean {
    return this.#left > 0 && this.#passes;
  }

  /** A message of ours for the client: after the one that is being looked at, never inside of another. */
  say(message: Buffer): void {
    if (this.#looking || this.midMessage) this.#said.push(message);
    else this.#handler.toClient(message);
  }

  /**
   * Takes the next bytes.
   *
   * @throws {ProtocolViolation} for what no server says.
   */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) at = this.#stream(chunk, at);
      else if (this.#partial) at = this.#fill(this.#partial, chunk, at);
      else at = this.#scan(chunk, at);
    }
  }

  #stream(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    const part = end - at === chunk.length ? chunk : chunk.subarray(at, end);
    this.#handler.part(part);
    if (this.#passes) this.#handler.toClient(part);
    if (this.#left === 0) this.#saySaid();
    return end;
  }

  #keep(chunk: Buffer, at: number, length: number): number {
    this.#partial = Buffer.allocUnsafe(length);
    this.#filled = chunk.copy(this.#partial, 0, at);
    return chunk.length;
  }

  #fill(whole: Buffer, chunk: Buffer, at: number): number {
    const taken = chunk.copy(whole, this.#filled, at);
    this.#filled += taken;
    if (this.#filled < whole.length) return at + taken;
    this.#partial = undefined;
    const size = sizeOf(whole, 0);
    if (whole.length < size && !isRow(whole[0] ?? 0)) this.#keep(whole, 0, size);
    else this.#scan(whole, 0);
    return at + taken;
  }

  /** Goes through the messages from `at` on. What is passed on and not given yet begins at `from`. */
  #scan(chunk: Buffer, start: number): number {
    let at = start;
    let from = start;
    while (chunk.length - at >= headerBytes) {
      const type = chunk[at] ?? 0;
      const end = at + sizeOf(chunk, at);
      const isWhole = end <= chunk.length;
      if (!isWhole && !isRow(type)) {
        this.#give(chunk, from, at);
        return this.#keep(chunk, at, end - at);
      }
      const passes = isRow(type)
        ? this.#row(type, chunk, at, Math.min(end, chunk.length), end - at)
        : this.#message(type, chunk, at, end);
      if (!isWhole) {
        this.#give(chunk, from, passes ? chunk.length : at);
        this.#left = end - chunk.length;
        this.#passes = passes;
        return chunk.length;
      }
      if (!passes || this.#said.length > 0) {
        this.#give(chunk, from, passes ? end : at);
        from = end;
        this.#saySaid();
      }
      at = end;
    }
    this.#give(chunk, from, at);
    return at === chunk.length ? at : this.#keep(chunk, at, headerBytes);
  }

  #row(type: number, chunk: Buffer, at: number, end: number, size: number): boolean {
    const passes = this.#handler.row(type, size - headerBytes);
    // Of our own questions, which are few, and of what is masked: what takes its place goes after what came before it.
    if (!passes) {
      this.#looking = true;
      this.#handler.part(chunk.subarray(at + headerBytes, end));
      this.#looking = false;
    }
    return passes;
  }

  #message(type: number, chunk: Buffer, at: number, end: number): boolean {
    this.#looking = true;
    try {
      return this.#handler.message(type, chunk, at, end);
    } finally {
      this.#looking = false;
    }
  }

  #give(chunk: Buffer, from: number, end: number): void {
    if (end > from) this.#handler.toClient(end - from === chunk.length ? chunk : chunk.subarray(from, end));
  }

  #saySaid(): void {
    const said = this.#said;
    if (said.length === 0) return;
    this.#said = [];
    for (const message of said) this.#handler.toClient(message);
  }
}

function isRow(type: number): boolean {
  return type === server.dataRow || type === server.copyData;
}

function sizeOf(bytes: Buffer, at: number): number {
  const type = bytes[at] ?? 0;
  const size =
    1 + (((bytes[at + 1] ?? 0) << 24) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
  if (size < headerBytes || !letters.has(type) || (size > largestMessage && !isRow(type))) throw unexpected(type);
  return size;
}

/** For a message that no server says, or that answers nothing. */
export function unexpected(type: number): ProtocolViolation {
  return new ProtocolViolation(`The server sent a message of type 0x${type.toString(16)} that answers nothing`);
}
