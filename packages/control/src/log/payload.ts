import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { AuditError, hashText, type PayloadCommitment, payloadHash, SALT_SIZE, type SealedPayload } from "@countersign/audit";

const KEY_SIZE = 32;
const KEY_ID_SIZE = 32;
const TAG_SIZE = 16;
/** Each data key encrypts one payload, so that the nonce never repeats under a key. */
const NONCE = Buffer.alloc(12);
/** Around the key id in the derivation: counter 1 ‖ label ‖ 0x00, and the bits asked for (SP 800-108r1 §4.1). */
const BEFORE_KEY_ID = Buffer.from("\x00\x00\x00\x01countersign/payload/v1\x00");
const AFTER_KEY_ID = Buffer.from([0, 0, 1, 0]);
/** Random bytes fetched at a time: asking for them costs more than making them. */
const POOL_SIZE = 4096;

/**
 * A sealer of payloads. Sealed form: random key id (32 bytes) ‖ AES-256-GCM of (salt ‖ payload) under the data key ‖ tag (16 bytes). The data
 * key is derived from the payload key and the key id (SP 800-108r1, counter mode, HMAC-SHA-256): without the key id there is no data key.
 *
 * @param payloadKey - 32 bytes.
 * @param random - Source of random bytes.
 */
export function payloadSealer(
  payloadKey: Uint8Array,
  random: (size: number) => Buffer = randomBytes,
): (payload: Uint8Array) => SealedPayload {
  const key = secretKey(payloadKey);
  const take = pooled(random);
  return (payload) => {
    const secrets = take(KEY_ID_SIZE + SALT_SIZE);
    const keyId = secrets.subarray(0, KEY_ID_SIZE);
    const salt = secrets.subarray(KEY_ID_SIZE);
    const encrypt = createCipheriv("aes-256-gcm", dataKey(key, keyId), NONCE);
    const sealed = Buffer.concat([keyId, encrypt.update(salt), encrypt.update(payload), encrypt.final(), encrypt.getAuthTag()]);
    const commitment = { hash: hashText(payloadHash(salt, payload)), size: payload.length };
    // A salt that stayed in memory could outlive the erasure of its payload, in a crash dump for instance.
    secrets.fill(0);
    return { commitment, sealed };
  };
}

/**
 * The payload in its sealed form, held against the commitment in its record.
 *
 * @throws {AuditError} `corrupt` when it was changed, belongs to another record or was sealed under another key.
 */
export function openPayload(payloadKey: Uint8Array, sealed: Uint8Array, commitment: PayloadCommitment): Buffer {
  const opened = decrypt(secretKey(payloadKey), sealed);
  const payload = opened.subarray(SALT_SIZE);
  if (payload.length !== commitment.size || hashText(payloadHash(opened.subarray(0, SALT_SIZE), payload)) !== commitment.hash) {
    throw new AuditError("corrupt", "The stored payload is not the one that its record commits to.");
  }
  return payload;
}

function decrypt(payloadKey: KeyObject, sealed: Uint8Array): Buffer {
  try {
    if (sealed.length < KEY_ID_SIZE + SALT_SIZE + TAG_SIZE) throw new RangeError("too short");
    const key = dataKey(payloadKey, sealed.subarray(0, KEY_ID_SIZE));
    const decipher = createDecipheriv("aes-256-gcm", key, NONCE, { authTagLength: TAG_SIZE });
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_SIZE));
    return Buffer.concat([decipher.update(sealed.subarray(KEY_ID_SIZE, sealed.length - TAG_SIZE)), decipher.final()]);
  } catch (error) {
    throw new AuditError("corrupt", "The stored payload was changed, or was sealed under another payload key.", { cause: error });
  }
}

/** As a KeyObject, since Node sets up a cipher three times as fast with one as with the key's bytes. */
function dataKey(payloadKey: KeyObject, keyId: Uint8Array): KeyObject {
  return createSecretKey(createHmac("sha256", payloadKey).update(BEFORE_KEY_ID).update(keyId).update(AFTER_KEY_ID).digest());
}

/** Hands out random bytes from a pool, each once. */
function pooled(random: (size: number) => Buffer): (size: number) => Buffer {
  let pool: Buffer = Buffer.alloc(0);
  return (size) => {
    if (pool.length < size) pool = random(POOL_SIZE);
    const taken = pool.subarray(0, size);
    pool = pool.subarray(size);
    return taken;
  };
}

function secretKey(payloadKey: Uint8Array): KeyObject {
  if (payloadKey.length !== KEY_SIZE) throw new TypeError(`A payload key has ${KEY_SIZE} bytes, not ${payloadKey.length}`);
  return createSecretKey(payloadKey);
}
