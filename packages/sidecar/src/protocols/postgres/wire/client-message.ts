import { isUtf8 } from "node:buffer";
import type { PostgresParameter } from "@countersign/policy";
import { WireError } from "./wire-error.ts";

/** Parse (§53.7). */
export interface ParseMessage {
  readonly name: string;
  readonly statement: string;
  /** Type OIDs that the client names; 0 = the server's choice. */
  readonly types: readonly number[];
}

/** Bind. */
export interface BindMessage {
  readonly portal: string;
  readonly statement: string;
  readonly parameters: readonly PostgresParameter[];
  /** The result formats with their count, as they came. */
  readonly resultFormats: Buffer;
}

/** Describe and Close: of a prepared statement (`S`) or of a portal (`P`). */
interface NamedMessage {
  readonly what: "S" | "P";
  readonly name: string;
}

/** Execute. */
interface ExecuteMessage {
  readonly portal: string;
  /** 0 = all. */
  readonly rows: number;
}

const headerBytes = 5;
/**
 * The server's tables of names look at so many bytes only (NAMEDATALEN): two longer names that begin alike are one to it. If they were two to
 * us, a Bind could run another statement than the one that was judged.
 */
const longestName = 63;

/** @throws {WireError} 08P01 when it does not end where its text ends, 22021 when that is not UTF-8. */
export function readQuery(frame: Buffer): string {
  const end = frame.length - 1;
  if (frame.indexOf(0, headerBytes) !== end) throw malformed();
  return utf8(frame, headerBytes, end);
}

/** @throws {WireError} as {@link readQuery}. */
export function readParse(frame: Buffer): ParseMessage {
  const reader = new Reader(frame);
  const name = reader.name();
  const statement = reader.text();
  const count = reader.uint16();
  const types: number[] = [];
  for (let index = 0; index < count; index++) types.push(reader.uint32());
  reader.end();
  return { name, statement, types };
}

/** @throws {WireError} as {@link readQuery}; also for a format that does not exist and for a number of formats that fits no reading. */
export function readBind(frame: Buffer): BindMessage {
  const reader = new Reader(frame);
  const portal = reader.name();
  const statement = reader.name();
  const formats: number[] = [];
  for (let count = reader.uint16(); count > 0; count--) formats.push(reader.format());
  const count = reader.uint16();
  if (formats.length > 1 && formats.length !== count)
    throw new WireError("08P01", `bind message has ${formats.length} parameter formats but ${count} parameters`);
  const parameters: PostgresParameter[] = [];
  for (let index = 0; index < count; index++) parameters.push(reader.parameter(formats[formats.length === 1 ? 0 : index] ?? 0));
  const resultFormats = reader.rest();
  if (resultFormats.length < 2 || resultFormats.length !== 2 + 2 * resultFormats.readUInt16BE(0)) throw malformed();
  return { portal, statement, parameters, resultFormats };
}

/** @throws {WireError} as {@link readQuery}. */
export function readNamed(frame: Buffer, message: "DESCRIBE" | "CLOSE"): NamedMessage {
  const what = frame[headerBytes];
  if (what !== 0x53 && what !== 0x50) throw new WireError("08P01", `invalid ${message} message subtype ${what ?? 0}`);
  const reader = new Reader(frame, headerBytes + 1);
  const name = reader.name();
  reader.end();
  return { what: what === 0x53 ? "S" : "P", name };
}

/** @throws {WireError} as {@link readQuery}. */
export function readExecute(frame: Buffer): ExecuteMessage {
  const reader = new Reader(frame);
  const portal = reader.name();
  const rows = reader.uint32();
  reader.end();
  return { portal, rows: rows > 0x7fffffff ? 0 : rows };
}

/** The reason of a CopyFail. */
export function readCopyFail(frame: Buffer): string {
  const end = frame.indexOf(0, headerBytes);
  return frame.toString("utf8", headerBytes, end === -1 ? frame.length : end);
}

class Reader {
  readonly #frame: Buffer;
  #at: number;

  constructor(frame: Buffer, at = headerBytes) {
    this.#frame = frame;
    this.#at = at;
  }

  text(): string {
    const start = this.#at;
    const end = this.#frame.indexOf(0, start);
    if (end === -1) throw new WireError("08P01", "invalid string in message");
    this.#at = end + 1;
    return end === start ? "" : utf8(this.#frame, start, end);
  }

  name(): string {
    const start = this.#at;
    // Most are empty.
    if (this.#frame[start] === 0) {
      this.#at++;
      return "";
    }
    const name = this.text();
    if (this.#at - 1 - start > longestName)
      throw new WireError("42622", `names of prepared statements and portals have at most ${longestName} bytes here`);
    return name;
  }

  uint16(): number {
    this.#need(2);
    const value = this.#frame.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  uint32(): number {
    this.#need(4);
    const value = this.#frame.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  format(): number {
    const format = this.uint16();
    if (format > 1) throw new WireError("22023", `unsupported format code: ${format}`);
    return format;
  }

  parameter(format: number): PostgresParameter {
    const length = this.uint32();
    if (length === 0xffffffff) return null;
    this.#need(length);
    const start = this.#at;
    this.#at += length;
    if (format === 1) return { binary: this.#frame.toString("base64url", start, this.#at) };
    return { text: utf8(this.#frame, start, this.#at) };
  }

  rest(): Buffer {
    const rest = this.#frame.subarray(this.#at);
    this.#at = this.#frame.length;
    return rest;
  }

  end(): void {
    if (this.#at !== this.#frame.length) throw malformed();
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#frame.length) throw new WireError("08P01", "insufficient data left in message");
  }
}

function malformed(): WireError {
  return new WireError("08P01", "invalid message format");
}

/** What is not UTF-8 decodes to U+FFFD, which a text may also hold by right. */
function utf8(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  if (text.includes("\ufffd") && !isUtf8(bytes.subarray(start, end)))
    throw new WireError("22021", 'invalid byte sequence for encoding "UTF8"');
  return text;
}
