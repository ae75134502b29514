import { createPublicKey, type KeyObject } from "node:crypto";
import { canonicalDigest, type Digest } from "../canonical.ts";

const prefix = "ed25519:";

/**
 * A public key as one word, for configuration files and command lines: `ed25519:` and its 32 bytes (RFC 8032) in base64url.
 *
 * @param key an Ed25519 key; of a private key the public half is given.
 * @throws {TypeError} for a key of another kind.
 */
export function publicKeyText(key: KeyObject): string {
  const { x } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  if (key.asymmetricKeyType !== "ed25519" || x === undefined) throw new TypeError("not an Ed25519 key");
  return `${prefix}${x}`;
}

/** Reads {@link publicKeyText}; `undefined` when it is none, or is not written in the one canonical way. */
export function parsePublicKey(text: string): KeyObject | undefined {
  const x = text.slice(prefix.length);
  const bytes = Buffer.from(x, "base64url");
  if (!text.startsWith(prefix) || bytes.length !== 32 || bytes.toString("base64url") !== x) return undefined;
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** What signatures name a key by: a digest of it, so that knowing the name is no way to another key. */
export function keyIdOf(key: KeyObject): Digest {
  return canonicalDigest("countersign/policy-bundle-key/v1", publicKeyText(key));
}
