import type { BinaryReader } from "@bufbuild/protobuf/wire";

/** Bytes from this size on stay in the message that they came in. Smaller ones are copied: who keeps them would keep all of the message. */
const largeBytes = 16 * 1024;

/** Reads a `bytes` field; of a long result, without copying it. The generated code reads by it. */
export function sharedBytes(reader: BinaryReader): Buffer {
  const bytes = reader.bytes();
  return bytes.length < largeBytes ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
