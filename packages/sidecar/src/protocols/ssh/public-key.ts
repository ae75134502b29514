import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import { SshFormatError, SshReader, sshString } from "./encoding.ts";

/** `SHA256:…` as OpenSSH prints it, over the key as it is sent. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** A key as it is sent, from its line in `known_hosts`, `authorized_keys` or a `.pub` file: type, base64, comment. */
export function parseKeyLine(line: string): Buffer {
  const [type = "", encoded = ""] = line.trim().split(/\s+/);
  const blob = Buffer.from(encoded, "base64");
  if (blob.toString("base64").replace(/=+$/, "") !== encoded.replace(/=+$/, ""))
    throw new SshFormatError("its base64 is damaged");
  if (keyTypeOf(blob) !== type) throw new SshFormatError(`its type is not the ${JSON.stringify(type)} that it says`);
  readPublicKey(blob);
  return blob;
}

/** A key as a line of `authorized_keys`. */
export function keyLine(blob: Uint8Array, comment = ""): string {
  return `${keyTypeOf(blob)} ${Buffer.from(blob).toString("base64")}${comment === "" ? "" : ` ${comment}`}`;
}

/** The name with which an encoded key begins. */
export function keyTypeOf(blob: Uint8Array): string {
  return new SshReader(blob).text();
}

/** An Ed25519 key as it is sent (RFC 8709 §4). */
export function encodeEd25519(key: KeyObject): Buffer {
  return Buffer.concat([sshString("ssh-ed25519"), sshString(rawEd25519(key))]);
}

/** The 32 bytes of an Ed25519 public key, also of a private key's. */
export function rawEd25519(key: KeyObject): Buffer {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const { x } = publicKey.export({ format: "jwk" });
  if (x === undefined) throw new TypeError("not an Ed25519 key");
  return Buffer.from(x, "base64url");
}

/** A key that signs, and what its signatures may be made with. */
export interface SshPublicKey {
  readonly type: string;
  readonly key: KeyObject;
}

const curves: Readonly<Record<string, { readonly crv: string; readonly bytes: number; readonly hash: string }>> = {
  nistp256: { crv: "P-256", bytes: 32, hash: "sha256" },
  nistp384: { crv: "P-384", bytes: 48, hash: "sha384" },
  nistp521: { crv: "P-521", bytes: 66, hash: "sha512" },
};
const rsaHashes: Readonly<Record<string, string>> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };
const leastRsaBits = 2048;

/**
 * Reads a public key: Ed25519 (RFC 8709), ECDSA (RFC 5656 §3.1) or RSA of 2048 bits or more (RFC 4253 §6.6).
 *
 * @throws {SshFormatError} for anything else.
 */
export function readPublicKey(blob: Uint8Array): SshPublicKey {
  const reader = new SshReader(blob);
  const key = readKeyBody(reader.text(), reader);
  reader.end();
  return key;
}

/** As {@link readPublicKey}, of what follows after the name of its type. */
export function readKeyBody(type: string, reader: SshReader): SshPublicKey {
  if (type === "ssh-ed25519") {
    const point = reader.bytes();
    if (point.length !== 32) throw new SshFormatError("an Ed25519 key has 32 bytes");
    return { type, key: imported({ kty: "OKP", crv: "Ed25519", x: point.toString("base64url") }) };
  }
  if (type === "ssh-rsa") {
    const [e, n] = [reader.unsigned(), reader.unsigned()];
    if (n.length * 8 < leastRsaBits) throw new SshFormatError(`an RSA key of less than ${leastRsaBits} bits`);
    return { type, key: imported({ kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") }) };
  }
  const name = /^ecdsa-sha2-(nistp\d+)$/.exec(type)?.[1] ?? "";
  const curve = curves[name];
  if (curve === undefined) throw new SshFormatError(`a key of the type ${JSON.stringify(type.slice(0, 60))}`);
  if (reader.text() !== name) throw new SshFormatError("the curve is not that of its type");
  const point = reader.bytes();
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) throw new SshFormatError("not a point of its curve");
  const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)];
  return { type, key: imported({ kty: "EC", crv: curve.crv, x: x.toString("base64url"), y: y.toString("base64url") }) };
}

/**
 * Whether a signature as it is sent (RFC 4253 §6.6, RFC 8332) is right. SHA-1 never is.
 *
 * @throws {SshFormatError} when it is not a signature.
 */
export function isSignature({ type, key }: SshPublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  const reader = new SshReader(signature);
  const algorithm = reader.text();
  const value = reader.bytes();
  reader.end();
  if (type === "ssh-rsa") {
    const hash = rsaHashes[algorithm];
    return hash !== undefined && verify(hash, data, key, value);
  }
  if (algorithm !== type) return false;
  if (type === "ssh-ed25519") return verify(null, data, key, value);
  const curve = curves[type.replace("ecdsa-sha2-", "")];
  if (curve === undefined) return false;
  const numbers = new SshReader(value);
  const parts = [numbers.unsigned(), numbers.unsigned()];
  numbers.end();
  if (parts.some((part) => part.length > curve.bytes)) return false;
  const flat = Buffer.concat(parts.flatMap((part) => [Buffer.alloc(curve.bytes - part.length), part]));
  return verify(curve.hash, data, { key, dsaEncoding: "ieee-p1363" }, flat);
}

function imported(key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch {
    throw new SshFormatError("not a key");
  }
}
