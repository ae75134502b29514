import { generateKeyPairSync } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { CountersignError } from "@countersign/policy";
import { encodeOpensshKey } from "./openssh-key.ts";
import { keyLine } from "./public-key.ts";
import { utils } from "./ssh2-patched.ts";

/** A listener's own key. */
interface HostKey {
  /** In OpenSSH's format. */
  readonly privateKey: string;
  /** As a line of known_hosts, without the name. */
  readonly line: string;
}

/**
 * Reads a host key, or makes one of mode 0600 when there is none, so that clients see the same key after every start.
 *
 * @throws {CountersignError} `invalid_request` when it is none, or others can read it.
 */
export async function openHostKey(path: string): Promise<HostKey> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(encodeOpensshKey(generateKeyPairSync("ed25519").privateKey));
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0)
    throw new CountersignError("invalid_request", `${path} is open to other users. Run: chmod 600 ${path}`);
  const privateKey = await readFile(path, "utf8");
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error || Array.isArray(parsed) || parsed.type !== "ssh-ed25519")
    throw new CountersignError("invalid_request", `${path} is no Ed25519 private key in OpenSSH's format.`);
  return { privateKey, line: keyLine(parsed.getPublicSSH()) };
}
