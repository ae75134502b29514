import { pipeline, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import type { Field } from "./fields.ts";

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** A body as it can be looked through. */
export interface Decoded {
  readonly fields: readonly Field[];
  readonly body: AsyncIterable<Buffer>;
  /** The coding that is not known; its body must not be passed on. */
  readonly unknown?: string;
}

/** Undoes the encoding of a body: the credential could be in it (RFC 9110 §8.4). Targets are asked for none, but some do not listen. */
export function decoded(fields: readonly Field[], body: AsyncIterable<Buffer>): Decoded {
  const coding = fields
    .filter(([name]) => name.toLowerCase() === "content-encoding")
    .map(([, value]) => value.trim().toLowerCase())
    .join(", ");
  if (coding === "" || coding === "identity") return { fields, body };
  const decoder = decoders[coding];
  if (decoder === undefined) return { fields, body, unknown: coding };
  const plain = fields.filter(([name]) => !/^content-(?:encoding|length)$/i.test(name));
  return { fields: plain, body: pipeline(body, decoder(), () => {}) };
}
