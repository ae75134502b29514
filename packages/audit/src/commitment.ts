import { sha256 } from "./hash.ts";

/** What a record holds of its payload: enough to prove the payload, not enough to guess it. */
export interface PayloadCommitment {
  /** `sha256:<hex>` over {@link payloadHash}'s input. */
  readonly hash: string;
  /** Bytes of the payload. */
  readonly size: number;
}

/** Bytes of the random salt of a payload. */
export const SALT_SIZE = 32;

const DOMAIN = Buffer.from("countersign/payload/v1\n");

/**
 * `SHA-256("countersign/payload/v1\n" ‖ salt ‖ payload)`.
 *
 * The salt is stored inside the encrypted payload and erased with it: without it, whoever reads the log cannot test guesses of a short
 * payload against the hash.
 */
export function payloadHash(salt: Uint8Array, payload: Uint8Array): Buffer {
  if (salt.length !== SALT_SIZE) throw new TypeError(`A payload's salt has ${SALT_SIZE} bytes, not ${salt.length}`);
  return sha256(Buffer.concat([DOMAIN, salt, payload]));
}
