import { type KeyObject, sign } from "node:crypto";
import { sha256 } from "./hash.ts";

/** Signature type of Ed25519 in a signed note (C2SP signed-note). */
const ED25519 = 1;

/** Signs the tree heads of one log. */
export type CheckpointSigner = (size: number, root: Uint8Array) => string;

/**
 * A signer of checkpoints (C2SP tlog-checkpoint): a signed note whose key name is the log's origin.
 *
 * @param origin - The log's name: no white space, no `+`, e.g. `countersign.example/prod`.
 * @param key - Ed25519 private key.
 * @throws {TypeError} for another kind of key or a name that a note cannot carry.
 */
export function checkpointSigner(origin: string, key: KeyObject): CheckpointSigner {
  const publicKey = rawPublicKey(key);
  if (key.type !== "private") throw new TypeError("A checkpoint is signed with a private key");
  const keyId = sha256(Buffer.concat([Buffer.from(`${noteName(origin)}\n`), Buffer.from([ED25519]), publicKey])).subarray(0, 4);
  return (size, root) => {
    const text = `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;
    const signature = sign(null, Buffer.from(text), key);
    return `${text}\n— ${origin} ${Buffer.concat([keyId, signature]).toString("base64")}\n`;
  };
}

/**
 * The public half of a log's key as one line of text (C2SP signed-note): `<origin>+<key id>+<base64(0x01 ‖ key)>`. Whoever verifies the
 * log gets it by a way that does not lead through the log.
 *
 * @param key - Ed25519 key, private or public.
 */
export function logKeyText(origin: string, key: KeyObject): string {
  const typed = Buffer.concat([Buffer.from([ED25519]), rawPublicKey(key)]);
  const keyId = sha256(Buffer.concat([Buffer.from(`${noteName(origin)}\n`), typed])).subarray(0, 4);
  return `${origin}+${keyId.toString("hex")}+${typed.toString("base64")}`;
}

function rawPublicKey(key: KeyObject): Buffer {
  const { x } = key.export({ format: "jwk" });
  if (key.asymmetricKeyType !== "ed25519" || x === undefined) throw new TypeError("A log's key is an Ed25519 key");
  return Buffer.from(x, "base64url");
}

function noteName(origin: string): string {
  if (!/^[^\s+]+$/u.test(origin)) throw new TypeError(`A log's name has no white space and no "+": ${JSON.stringify(origin)}`);
  return origin;
}
