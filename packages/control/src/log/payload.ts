import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { AuditError, hashText, type PayloadCommitment, payloadHash, SALT_SIZE, type SealedPayload } from "@countersign/audit";

const KEY_SIZE = 32;
const WRAPPED_SIZE = KEY_SIZE + 8;
const TAG_SIZE = 16;
/** RFC 3394 §2.2.3.1. */
const WRAP_IV = Buffer.alloc(8, 0xa6);
/** Each data key encrypts one payload, so that the nonce never repeats under a key. */
const NONCE = Buffer.alloc(12);

/**
 * A sealer of payloads. Sealed form: data key wrapped by the payload key (AES key wrap, RFC 3394; 40 bytes) ‖ AES-256-GCM of
 * (salt ‖ payload) under the data key ‖ tag (16 bytes).
 *
 * @param payloadKey - 32 bytes.
 * @param random - Source of random bytes.
 */
export function payloadSealer(
  payloadKey: Uint8Array,
  random: (size: number) => Buffer = randomBytes,
): (payload: Uint8Array) => SealedPayload {
  checkKey(payloadKey);
  return (payload) => {
    const secrets = random(KEY_SIZE + SALT_SIZE);
    const dataKey = secrets.subarray(0, KEY_SIZE);
    const salt = secrets.subarray(KEY_SIZE);
    const wrap = createCipheriv("id-aes256-wrap", payloadKey, WRAP_IV);
    const encrypt = createCipheriv("aes-256-gcm", dataKey, NONCE);
    const sealed = Buffer.concat([
      wrap.update(dataKey),
      wrap.final(),
      encrypt.update(salt),
      encrypt.update(payload),
      encrypt.final(),
      encrypt.getAuthTag(),
    ]);
    return { commitment: { hash: hashText(payloadHash(salt, payload)), size: payload.length }, sealed };
  };
}

/**
 * The payload in its sealed form, held against the commitment in its record.
 *
 * @throws {AuditError} `corrupt` when it was changed, belongs to another record or was sealed under another key.
 */
export function openPayload(payloadKey: Uint8Array, sealed: Uint8Array, commitment: PayloadCommitment): Buffer {
  checkKey(payloadKey);
  const opened = decrypt(payloadKey, sealed);
  const payload = opened.subarray(SALT_SIZE);
  if (payload.length !== commitment.size || hashText(payloadHash(opened.subarray(0, SALT_SIZE), payload)) !== commitment.hash) {
    throw new AuditError("corrupt", "The stored payload is not the one that its record commits to.");
  }
  return payload;
}

function decrypt(payloadKey: Uint8Array, sealed: Uint8Array): Buffer {
  try {
    const unwrap = createDecipheriv("id-aes256-wrap", payloadKey, WRAP_IV);
    const dataKey = Buffer.concat([unwrap.update(sealed.subarray(0, WRAPPED_SIZE)), unwrap.final()]);
    const decipher = createDecipheriv("aes-256-gcm", dataKey, NONCE, { authTagLength: TAG_SIZE });
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_SIZE));
    const opened = Buffer.concat([decipher.update(sealed.subarray(WRAPPED_SIZE, sealed.length - TAG_SIZE)), decipher.final()]);
    if (opened.length < SALT_SIZE) throw new RangeError("too short");
    return opened;
  } catch (error) {
    throw new AuditError("corrupt", "The stored payload was changed, or was sealed under another payload key.", { cause: error });
  }
}

function checkKey(payloadKey: Uint8Array): void {
  if (payloadKey.length !== KEY_SIZE) throw new TypeError(`A payload key has ${KEY_SIZE} bytes, not ${payloadKey.length}`);
}
