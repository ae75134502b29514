import type { Algorithms, ServerHostKeyAlgorithm } from "ssh2";

/**
 * What we speak, best first: no SHA-1, no CBC, no finite-field group below 4096 bits, no compression. Encrypt-then-MAC only, or AEAD; strict key exchange
 * (against the Terrapin attack) comes with ssh2.
 */
export const algorithms = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
  ],
  cipher: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
  ],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"],
  compress: ["none"],
} satisfies Algorithms;

/** How a host may prove itself with a key of each type, best first. */
const hostKeyAlgorithms = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
} as const satisfies Record<string, readonly ServerHostKeyAlgorithm[]>;

/**
 * Which host keys to ask a target for: certificates where an authority is trusted, then the types that are pinned, then all others, so that a
 * key that nobody knows can be shown.
 *
 * @param pinnedTypes Names with which the pinned keys begin.
 */
export function hostKeyOrder(pinnedTypes: readonly string[], withAuthority: boolean): ServerHostKeyAlgorithm[] {
  const pinned = Object.entries(hostKeyAlgorithms).filter(([type]) => pinnedTypes.includes(type));
  const others = Object.entries(hostKeyAlgorithms).filter(([type]) => !pinnedTypes.includes(type));
  const plain = [...pinned, ...others].flatMap(([, names]) => names as readonly ServerHostKeyAlgorithm[]);
  // ssh2's types do not know what the patch adds.
  const certified = plain.map((name) => `${name}-cert-v01@openssh.com` as ServerHostKeyAlgorithm);
  return withAuthority ? [...certified, ...plain] : plain;
}
