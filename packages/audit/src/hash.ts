/**
 * The hash primitives of the log (RFC 6962 §2.1, RFC 9162 §2.1). Besides `canonical.ts` and the width of a tile, this is all
 * that the writer and the verifier share.
 *
 * @module
 */
import { hash } from "node:crypto";

/** Bytes of a hash (SHA-256). */
export const HASH_SIZE = 32;

/** The root of a tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

/** SHA-256 of bytes. By way of a string: Node gives that, and reads it back, in half the time it takes to make a buffer for the hash. */
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash("sha256", bytes, "hex"), "hex");
}

/** `SHA-256(0x00 ‖ record)`. The prefix keeps a leaf from being passed off as a node (second preimage). */
export function leafHash(record: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(1 + record.length);
  input[0] = 0;
  input.set(record, 1);
  return sha256(input);
}

/** `SHA-256(0x01 ‖ left ‖ right)`. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(1 + 2 * HASH_SIZE);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + HASH_SIZE);
  return sha256(input);
}

/** A hash as records write it: `sha256:<lower-case hex>`. */
export function hashText(digest: Uint8Array): string {
  return `sha256:${Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString("hex")}`;
}
