import { type KeyObject, randomInt } from "node:crypto";
import { sshString, uint32 } from "./encoding.ts";
import { encodeEd25519, rawEd25519 } from "./public-key.ts";

/** An Ed25519 private key in OpenSSH's own format, without a passphrase (PROTOCOL.key): what ssh2 reads. */
export function encodeOpensshKey(key: KeyObject): string {
  const { d } = key.export({ format: "jwk" });
  if (d === undefined) throw new TypeError("not an Ed25519 private key");
  const publicBytes = rawEd25519(key);
  const check = uint32(randomInt(2 ** 32 - 1));
  const secret = sshString(Buffer.concat([Buffer.from(d, "base64url"), publicBytes]));
  const body = Buffer.concat([check, check, sshString("ssh-ed25519"), sshString(publicBytes), secret, sshString("")]);
  const padding = Uint8Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1);
  const all = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...["none", "none", ""].map(sshString),
    uint32(1),
    sshString(encodeEd25519(key)),
    sshString(Buffer.concat([body, padding])),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${all.toString("base64").replace(/.{1,70}/g, "$&\n")}-----END OPENSSH PRIVATE KEY-----\n`;
}
