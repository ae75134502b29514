import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { CountersignError } from "@countersign/policy";
import { newAuthority, serverCertificate } from "./server-certificate.ts";

/** The authority of listeners that have no certificate of the operator's. */
export interface OwnAuthority {
  /** What clients trust, PEM. */
  readonly ca: string;
  /** A new certificate for a listener that clients know by these names and addresses, PEM. */
  certify(names: readonly string[]): { readonly cert: string; readonly key: string };
}

/**
 * Reads an authority, or makes one of mode 0600 when there is none, so that what clients trust stays the same after every start.
 *
 * @throws {CountersignError} `invalid_request` when it is none, or others can read it.
 */
export async function openOwnAuthority(path: string, now: () => number): Promise<OwnAuthority> {
  const terms = () => ({ nowMs: now(), random: randomBytes });
  await makeOnce(path, () => {
    const { key, certificate } = newAuthority(terms());
    return `${pemOf(key)}${certificate}`;
  });
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0)
    throw new CountersignError("invalid_request", `${path} is open to other users. Run: chmod 600 ${path}`);
  const { key, ca, name } = read(await readFile(path, "utf8"), path);
  const signer = { key, publicKey: createPublicKey(key), name };
  return {
    ca,
    certify: (names) => {
      const { certificate, key: own } = serverCertificate(names, signer, terms());
      return { cert: certificate, key: pemOf(own) };
    },
  };
}

async function makeOnce(path: string, make: () => string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(make());
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function read(text: string, path: string): { readonly key: KeyObject; readonly ca: string; readonly name: string } {
  try {
    const key = createPrivateKey(text);
    const ca = new X509Certificate(text.slice(text.indexOf("-----BEGIN CERTIFICATE-----")));
    const name = /^CN=(.+)$/m.exec(ca.subject)?.[1];
    if (name !== undefined && ca.ca && ca.checkPrivateKey(key)) return { key, ca: ca.toString(), name };
  } catch {
    // As damaged as one of another kind.
  }
  throw new CountersignError(
    "invalid_request",
    `${path} holds no authority. Move it away: another is made with the next start, and clients need a new kubeconfig.`,
  );
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
