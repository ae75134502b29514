import { Columns, Output, OutputStream, Response, ResponseBody, Rows } from "@countersign/rpc";
import type { ResultChunk } from "./protocols/connector.ts";
import type { EventBody } from "./wire.ts";

/** One type of {@link ResultChunk} on the wire and in a kept result. */
interface ChunkForm<Chunk extends ResultChunk> {
  /** Its number in a kept result; never given to another. */
  readonly frame: number;
  readonly event: (chunk: Chunk) => EventBody;
  readonly encode: (chunk: Chunk) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Chunk;
}

type ChunkType = ResultChunk["type"];
type Chunks = { [Type in ChunkType]: Extract<ResultChunk, { type: Type }> };

const forms: { readonly [Type in ChunkType]: ChunkForm<Chunks[Type]> } = {
  columns: form(
    1,
    Columns,
    ({ columns }) => ({ columns: [...columns] }),
    ({ columns }) => ({ type: "columns", columns }),
    (value) => ({ $case: "columns", value }),
  ),
  rows: form(
    2,
    Rows,
    ({ data, count }) => ({ data: asBuffer(data), count }),
    ({ data, count }) => ({ type: "rows", data, count }),
    (value) => ({ $case: "rows", value }),
  ),
  // 3 is the receipt's.
  output: form(
    4,
    Output,
    ({ stream, data }) => ({ stream: stream === "stdout" ? OutputStream.STDOUT : OutputStream.STDERR, data: asBuffer(data) }),
    ({ stream, data }) => ({ type: "output", stream: stream === OutputStream.STDERR ? "stderr" : "stdout", data }),
    (value) => ({ $case: "output", value }),
  ),
  response: form(
    5,
    Response,
    ({ status, headers }) => ({ status, headers: headers.map(([name, value]) => ({ name, value })) }),
    ({ status, headers }) => ({ type: "response", status, headers: headers.map(({ name, value }) => [name, value] as const) }),
    (value) => ({ $case: "response", value }),
  ),
  body: form(
    6,
    ResponseBody,
    ({ data }) => ({ data: asBuffer(data) }),
    ({ data }) => ({ type: "body", data }),
    (value) => ({ $case: "body", value }),
  ),
};

/** What a part of a result is on the wire. */
export function chunkBody(chunk: ResultChunk): EventBody {
  return eventOf(chunk.type, chunk);
}

/** A part of a result as a kept result holds it. */
export function encodeChunk(chunk: ResultChunk): { readonly frame: number; readonly bytes: Uint8Array } {
  return { frame: forms[chunk.type].frame, bytes: bytesOf(chunk.type, chunk) };
}

/** A part of a result that was kept; undefined for what only a newer sidecar keeps. */
export function decodeChunk(frame: number, bytes: Uint8Array): ResultChunk | undefined {
  return Object.values(forms)
    .find((one) => one.frame === frame)
    ?.decode(bytes);
}

/** How many bytes of data of the result an event carries: what makes a slow caller wait. */
export function dataBytes(body: EventBody | undefined): number {
  return body !== undefined && "data" in body.value ? body.value.data.length : 0;
}

function eventOf<Type extends ChunkType>(type: Type, chunk: Chunks[Type]): EventBody {
  return forms[type].event(chunk);
}

function bytesOf<Type extends ChunkType>(type: Type, chunk: Chunks[Type]): Uint8Array {
  return forms[type].encode(chunk);
}

function form<Chunk extends ResultChunk, Message>(
  frame: number,
  codec: { encode(message: Message): { finish(): Uint8Array }; decode(bytes: Uint8Array): Message },
  messageOf: (chunk: Chunk) => Message,
  chunkOf: (message: Message) => Chunk,
  bodyOf: (message: Message) => EventBody,
): ChunkForm<Chunk> {
  return {
    frame,
    event: (chunk) => bodyOf(messageOf(chunk)),
    encode: (chunk) => codec.encode(messageOf(chunk)).finish(),
    decode: (bytes) => chunkOf(codec.decode(bytes)),
  };
}

/** The same memory: result data is not copied on its way. */
function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
