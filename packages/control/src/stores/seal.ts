import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from "node:crypto";
import { CountersignError } from "@countersign/policy";

/**
 * Seals JSON at rest with AES-256-GCM. The name that a text is sealed under (a request's id and column) is authenticated: a sealed text
 * that is changed, or moved to another row or column, cannot be opened. Someone who can write the database, but has not the key, can
 * therefore not change what is asked or who may approve it.
 */
export interface Seal {
  seal(name: string, value: unknown): Uint8Array;
  /** @throws {CountersignError} `internal` when the text is not as it was sealed under that name. */
  open(name: string, sealed: Uint8Array): unknown;
}

const nonceBytes = 12;
const tagBytes = 16;

/** A seal with a key of its own, derived from the 32-byte payload key. */
export function openSeal(payloadKey: Uint8Array): Seal {
  const key = createSecretKey(Buffer.from(hkdfSync("sha256", payloadKey, "", "countersign/control/requests/v1", 32)));
  return {
    seal(name, value) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(name));
      const text = cipher.update(JSON.stringify(value), "utf8");
      return Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()]);
    },
    open(name, sealed) {
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
        decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(-tagBytes));
        const text = decipher.update(sealed.subarray(nonceBytes, -tagBytes), undefined, "utf8");
        return JSON.parse(text + decipher.final("utf8"));
      } catch (cause) {
        throw new CountersignError(
          "internal",
          `The stored text of ${name} does not open with this folder's payload key: the store was changed from outside, or the key was replaced.`,
          { cause },
        );
      }
    },
  };
}
