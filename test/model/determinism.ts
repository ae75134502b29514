import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

/** What a model check takes the place of. */
export interface Surroundings {
  /** A pause of the product: it goes on when the explorer says so. */
  sleep(): Promise<void>;
}

let counter = 0;

/** Starts counting anew, so that each run of the same steps makes the same ids. */
export function restartRandomness(): void {
  counter = 0;
}

/**
 * Makes this process repeatable: random bytes are counted, pauses wait for the explorer, and a signature that was made or checked before is
 * remembered, for an exploration signs and verifies the same few ballots millions of times. What is signed and what verifies stays the same.
 */
export function makeRepeatable({ sleep }: Surroundings): void {
  const signed = new Map<string, Buffer>();
  const verified = new Map<string, boolean>();
  const { sign, verify } = crypto;
  const parts = {
    sign(_: null, data: Buffer, key: crypto.KeyObject): Buffer {
      const name = data.toString("latin1");
      const known = signed.get(name) ?? sign(null, data, key);
      signed.set(name, known);
      return known;
    },
    verify(_: null, data: Buffer, key: crypto.KeyObject, signature: Buffer): boolean {
      const name = data.toString("latin1") + signature.toString("latin1");
      const known = verified.get(name) ?? verify(null, data, key, signature);
      verified.set(name, known);
      return known;
    },
    randomBytes: countedBytes,
  };
  Object.assign(crypto, parts);
  Object.assign(timers, { setTimeout: sleep, setImmediate: async () => {} });
  syncBuiltinESMExports();
}

/** The next bytes: a number, padded. */
export function countedBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32BE(++counter, size - 4);
  return bytes;
}
