import { constants, inflateSync } from "node:zlib";
import { spdyDictionary } from "./spdy-dictionary.ts";

/** What a client of SPDY sends, as far as port-forward needs it (SPDY Protocol - Draft 3.1, §2). */
export type SpdyFrame =
  | {
      readonly type: "syn";
      readonly stream: number;
      readonly isLast: boolean;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly type: "data"; readonly stream: number; readonly isLast: boolean; readonly data: Buffer }
  | { readonly type: "reset"; readonly stream: number }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "other" };

const [synStream, rstStream, ping] = [1, 3, 6];

/** Takes bytes apart into frames. */
export class SpdyReader {
  #rest: Buffer = Buffer.alloc(0);
  /** All header blocks are one stream of zlib. */
  #compressed: Buffer = Buffer.alloc(0);
  #inflated = 0;

  *read(bytes: Buffer): Generator<SpdyFrame> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 8) {
      const length = this.#rest.readUIntBE(5, 3);
      if (this.#rest.length < 8 + length) return;
      const head = this.#rest.subarray(0, 8);
      const body = this.#rest.subarray(8, 8 + length);
      this.#rest = this.#rest.subarray(8 + length);
      yield this.#frame(head, body);
    }
  }

  #frame(head: Buffer, body: Buffer): SpdyFrame {
    const first = head.readUInt32BE(0);
    const isLast = ((head[4] ?? 0) & 1) === 1;
    if (first < 0x8000_0000) return { type: "data", stream: first, isLast, data: body };
    const type = first & 0xffff;
    if (type === ping) return { type: "ping", id: body.readUInt32BE(0) };
    const stream = body.length >= 4 ? body.readUInt32BE(0) & 0x7fff_ffff : 0;
    if (type === rstStream) return { type: "reset", stream };
    if (type !== synStream) return { type: "other" };
    return { type: "syn", stream, isLast, headers: this.#headers(body.subarray(10)) };
  }

  #headers(block: Buffer): Record<string, string> {
    this.#compressed = Buffer.concat([this.#compressed, block]);
    const all = inflateSync(this.#compressed, { dictionary: spdyDictionary, finishFlush: constants.Z_SYNC_FLUSH });
    const plain = all.subarray(this.#inflated);
    this.#inflated = all.length;
    const headers: Record<string, string> = {};
    let at = 4;
    const text = () => {
      const length = plain.readUInt32BE(at);
      at += 4 + length;
      return plain.subarray(at - length, at).toString();
    };
    for (let left = plain.readUInt32BE(0); left > 0; left--) {
      const name = text();
      headers[name.toLowerCase()] = text();
    }
    return headers;
  }
}

/** Writes frames. */
export class SpdyWriter {
  #begun = false;

  /** Accepts a stream, without headers of our own. */
  reply(stream: number): Buffer {
    // A header of zlib with the dictionary's id, and then blocks that are not compressed (RFC 1950 §2.2, RFC 1951 §3.2.4).
    const begin = this.#begun ? Buffer.alloc(0) : Buffer.from("78bbe3c6a7c2", "hex");
    this.#begun = true;
    // An empty block lets the reader have what is before it (RFC 1951 §3.2.4).
    const noHeaders = Buffer.from("000400fbff00000000000000ffff", "hex");
    return this.#control(2, 0, Buffer.concat([number(stream), begin, noHeaders]));
  }

  data(stream: number, data: Buffer, isLast = false): Buffer {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(stream, 0);
    head[4] = isLast ? 1 : 0;
    head.writeUIntBE(data.length, 5, 3);
    return Buffer.concat([head, data]);
  }

  ping(id: number): Buffer {
    return this.#control(ping, 0, number(id));
  }

  #control(type: number, flags: number, body: Buffer): Buffer {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(0x8003_0000 + type, 0);
    head[4] = flags;
    head.writeUIntBE(body.length, 5, 3);
    return Buffer.concat([head, body]);
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
