import { DatabaseError } from "pg-protocol";
import type { BackendMessage } from "pg-protocol/dist/messages.js";
import { Parser } from "pg-protocol/dist/parser.js";

/** The largest frames that are accepted, bytes of body. */
export interface FrameCaps {
  /** One row. */
  readonly row: number;
  /** Anything else, e.g. a RowDescription. */
  readonly other: number;
}

/** Takes what {@link FrameSplitter} found, in the order of the wire. */
export interface FrameHandler {
  /** Whole rows: `count` DataRow bodies one after the other. The handler owns `data`. */
  rows(data: Buffer, count: number): void;
  /** A row of `size` bytes is larger than the cap; nothing of it is kept. The splitter takes nothing after it. */
  oversized(size: number): void;
  /** Any other message, with the bytes that it came as, which are the handler's only during the call. */
  message(message: BackendMessage, frame: Buffer): void;
}

/** The server broke the protocol: the connection is of no use any more. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
}

const headerBytes = 5;
const dataRow = 0x44;
/** Types that a server may send after start-up: 1 2 3 A C D E G H I N S T Z c d n s t. pg-protocol takes an unknown type for a server's error. */
const knownTypes = new Set(Buffer.from("123ACDEGHINSTZcdnst"));
/** ErrorResponse and NoticeResponse: pg-protocol does not end on a body without its terminator. */
const fieldTypes = new Set(Buffer.from("EN"));

/**
 * Splits a server's byte stream into messages (protocol 3.0, §53.7). Rows are not decoded: their bodies are moved together inside the received
 * chunk, which the splitter therefore owns and changes.
 */
export class FrameSplitter {
  readonly #caps: FrameCaps;
  readonly #handler: FrameHandler;
  readonly #parser = new Parser();
  /** A frame that began in an earlier chunk: first its header, then all of it. */
  #partial: Buffer = Buffer.alloc(0);
  #filled = 0;
  #rowCap: number;
  #closed = false;

  constructor(caps: FrameCaps, handler: FrameHandler) {
    this.#caps = caps;
    this.#handler = handler;
    this.#rowCap = caps.row;
  }

  /** Lowers the cap of a row (never above the configured one), e.g. to a limit of the policy; absent = the configured cap. */
  capRows(bytes = this.#caps.row): void {
    this.#rowCap = Math.min(bytes, this.#caps.row);
  }

  /**
   * Takes the next bytes and tells the handler of every frame that they complete.
   *
   * @throws {ProtocolViolation} for a frame of unknown type, with a wrong length, or above the cap.
   */
  push(chunk: Buffer): void {
    let offset = 0;
    while (!this.#closed && this.#partial.length > 0 && offset < chunk.length) offset += this.#resume(chunk, offset);
    if (offset < chunk.length && !this.#closed) this.#split(chunk, offset);
  }

  /** Gives away the beginning of a frame whose rest has not come. */
  takePartial(): Buffer {
    const partial = this.#partial.subarray(0, this.#filled);
    this.#partial = Buffer.alloc(0);
    this.#filled = 0;
    return partial;
  }

  /** Fills the partial frame; gives how many bytes it took. */
  #resume(chunk: Buffer, offset: number): number {
    const taken = chunk.copy(this.#partial, this.#filled, offset);
    this.#filled += taken;
    if (this.#filled < this.#partial.length) return taken;
    const whole = this.#partial;
    if (whole.length === headerBytes) {
      const length = this.#frameLength(whole, 0);
      if (length > headerBytes) {
        if (!this.#closed) this.#keep(whole, 0, length);
        return taken;
      }
    }
    this.#partial = Buffer.alloc(0);
    this.#filled = 0;
    this.#split(whole, 0);
    return taken;
  }

  /** Keeps the beginning of a frame of `length` bytes until the rest comes. */
  #keep(bytes: Buffer, offset: number, length: number): void {
    this.#partial = Buffer.allocUnsafe(length);
    this.#filled = bytes.copy(this.#partial, 0, offset);
  }

  #split(bytes: Buffer, start: number): void {
    let offset = start;
    // The open run of rows: bodies from runStart to runEnd.
    let runStart = 0;
    let runEnd = 0;
    let count = 0;
    const endRun = () => {
      if (count > 0) this.#handler.rows(bytes.subarray(runStart, runEnd), count);
      count = 0;
    };
    while (offset + headerBytes <= bytes.length) {
      const length = this.#frameLength(bytes, offset, endRun);
      if (this.#closed) return;
      if (offset + length > bytes.length) {
        endRun();
        this.#keep(bytes, offset, length);
        return;
      }
      if (bytes[offset] === dataRow) {
        if (count++ === 0) runStart = runEnd = offset + headerBytes;
        else bytes.copyWithin(runEnd, offset + headerBytes, offset + length);
        runEnd += length - headerBytes;
      } else {
        endRun();
        this.#message(bytes.subarray(offset, offset + length));
      }
      offset += length;
    }
    endRun();
    if (offset < bytes.length) {
      this.#partial = Buffer.allocUnsafe(headerBytes);
      this.#filled = bytes.copy(this.#partial, 0, offset);
    }
  }

  /** The whole length of the frame whose header is at `offset`. */
  #frameLength(bytes: Buffer, offset: number, before?: () => void): number {
    const type = bytes[offset] ?? 0;
    const length = bytes.readUInt32BE(offset + 1);
    const body = length - 4;
    if (!knownTypes.has(type)) throw new ProtocolViolation(`The server sent a message of unknown type 0x${type.toString(16)}`);
    if (body < 0) throw new ProtocolViolation(`The server sent a message of impossible length ${length}`);
    if (type === dataRow && body > this.#rowCap) {
      before?.();
      this.#closed = true;
      this.#handler.oversized(body);
    } else if (type !== dataRow && body > this.#caps.other) {
      throw new ProtocolViolation(`The server sent a message of ${body} bytes; at most ${this.#caps.other} are accepted`);
    }
    return 1 + length;
  }

  #message(frame: Buffer): void {
    if (fieldTypes.has(frame[0] ?? 0)) checkFields(frame);
    let parsed: BackendMessage | undefined;
    try {
      this.#parser.parse(frame, (message) => {
        parsed = message;
      });
    } catch (error) {
      throw new ProtocolViolation("The server sent a malformed message", { cause: error });
    }
    if (parsed) this.#handler.message(parsed, frame);
  }
}

/** Fields are `type, cstring` pairs, ended by a zero byte that is the last of the frame. */
function checkFields(frame: Buffer): void {
  let offset = headerBytes;
  while (offset < frame.length && frame[offset] !== 0) {
    const end = frame.indexOf(0, offset + 1);
    if (end === -1) break;
    offset = end + 1;
  }
  if (offset !== frame.length - 1) throw new ProtocolViolation("The server sent a malformed error or notice");
}

/** How many of the rows at the beginning of `data` fit into both bounds, and where they end. */
export function fittingRows(data: Buffer, count: number, maxRows: number, maxBytes: number): { rows: number; bytes: number } {
  if (count <= maxRows && data.length <= maxBytes) return { rows: count, bytes: data.length };
  let bytes = 0;
  let rows = 0;
  while (rows < count && rows < maxRows) {
    const end = rowEnd(data, bytes);
    if (end > maxBytes) break;
    bytes = end;
    rows++;
  }
  return { rows, bytes };
}

/** Decodes concatenated DataRow bodies in text format; for our own small questions. */
export function decodeRows(data: Buffer, count: number): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let offset = 0;
  for (let row = 0; row < count; row++) {
    const values: (string | null)[] = [];
    let columns = data.readUInt16BE(offset);
    offset += 2;
    for (; columns > 0; columns--) {
      const length = data.readInt32BE(offset);
      offset += 4;
      values.push(length < 0 ? null : data.toString("utf8", offset, offset + length));
      offset += Math.max(length, 0);
    }
    rows.push(values);
  }
  return rows;
}

/** @throws {ProtocolViolation} when the row's lengths lead out of the data. */
function rowEnd(data: Buffer, start: number): number {
  try {
    let offset = start + 2;
    for (let columns = data.readUInt16BE(start); columns > 0; columns--) offset += 4 + Math.max(data.readInt32BE(offset), 0);
    if (offset <= data.length) return offset;
  } catch (error) {
    throw new ProtocolViolation("The server sent a malformed row", { cause: error });
  }
  throw new ProtocolViolation("The server sent a malformed row");
}

/** A server's ErrorResponse as pg-protocol gives it. */
export function isServerError(message: unknown): message is DatabaseError {
  return message instanceof DatabaseError;
}
