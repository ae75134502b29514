import { type KeyObject, sign } from "node:crypto";
import { SshFormatError, SshReader, sshString, sshStrings, uint32, uint64 } from "./encoding.ts";
import {
  encodeEd25519,
  isSignature,
  keyTypeOf,
  rawEd25519,
  readKeyBody,
  readPublicKey,
  type SshPublicKey,
} from "./public-key.ts";

/** What a certificate says (OpenSSH's PROTOCOL.certkeys). */
export interface CertificateTerms {
  readonly kind: "user" | "host";
  readonly serial: bigint;
  /** Free text that the target logs. */
  readonly keyId: string;
  /** Names of users or hosts that it is for. */
  readonly principals: readonly string[];
  /** Seconds since the Unix epoch; valid from the first until before the second. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** A target that does not know one refuses the certificate, e.g. `force-command`. */
  readonly criticalOptions: Readonly<Record<string, string>>;
  /** What it grants, e.g. `permit-pty`. */
  readonly extensions: readonly string[];
}

/** A certificate that was read. Untrusted until {@link isIssued} and its terms have been checked. */
export interface Certificate extends CertificateTerms {
  /** The key that it is about. */
  readonly key: SshPublicKey;
  /** The key of its authority, as it is sent. */
  readonly authority: Buffer;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const suffix = "-cert-v01@openssh.com";
const ed25519 = `ssh-ed25519${suffix}`;
const kindNumbers = { user: 1, host: 2 } as const satisfies Record<CertificateTerms["kind"], number>;

/** Whether an encoded key is a certificate. */
export function isCertificate(blob: Uint8Array): boolean {
  return keyTypeOf(blob).endsWith(suffix);
}

/**
 * Issues a certificate for an Ed25519 key, signed with an Ed25519 key.
 *
 * @param nonce At least 16 unguessable bytes, so that nobody can choose what is signed.
 */
export function issueCertificate(terms: CertificateTerms, key: KeyObject, authority: KeyObject, nonce: Uint8Array): Buffer {
  if (nonce.length < 16) throw new RangeError("the nonce is too short");
  const { kind, serial, keyId, principals, validAfter, validBefore, criticalOptions, extensions } = terms;
  const signed = Buffer.concat([
    sshString(ed25519),
    sshString(nonce),
    sshString(rawEd25519(key)),
    uint64(serial),
    uint32(kindNumbers[kind]),
    sshString(keyId),
    sshStrings(principals),
    uint64(validAfter),
    uint64(validBefore),
    // Both lists are sorted by name; a value is a string within a string.
    sshString(
      Buffer.concat(sorted(Object.entries(criticalOptions)).flatMap(([name, value]) => [sshString(name), sshStrings([value])])),
    ),
    sshString(Buffer.concat([...extensions].sort().flatMap((name) => [sshString(name), sshString("")]))),
    sshString(""),
    sshString(encodeEd25519(authority)),
  ]);
  return Buffer.concat([signed, sshStrings(["ssh-ed25519", sign(null, signed, authority)])]);
}

/**
 * Reads a certificate.
 *
 * @throws {SshFormatError} when it is none, or says something twice.
 */
export function readCertificate(blob: Uint8Array): Certificate {
  const reader = new SshReader(blob);
  const name = reader.text();
  if (!name.endsWith(suffix)) throw new SshFormatError("not a certificate");
  reader.bytes();
  const key = readKeyBody(name.slice(0, -suffix.length), reader);
  const serial = reader.uint64();
  const kind = readKind(reader.uint32());
  const keyId = reader.text();
  const principals = readList(reader.bytes());
  const [validAfter, validBefore] = [reader.uint64(), reader.uint64()];
  const criticalOptions = readOptions(reader.bytes());
  const extensions = readOptions(reader.bytes());
  reader.bytes();
  const authority = reader.bytes();
  const signed = Buffer.from(blob.subarray(0, reader.position));
  const signature = reader.bytes();
  reader.end();
  const terms = { kind, serial, keyId, principals, validAfter, validBefore, criticalOptions } as const;
  return { ...terms, extensions: Object.keys(extensions), key, authority, signed, signature };
}

/** Whether its authority has signed it. Which authority may is another question. */
export function isIssued({ authority, signed, signature }: Certificate): boolean {
  // PROTOCOL.certkeys: an authority's key is never itself a certificate.
  return !isCertificate(authority) && isSignature(readPublicKey(authority), signed, signature);
}

function readKind(number: number): CertificateTerms["kind"] {
  if (number === kindNumbers.user) return "user";
  if (number === kindNumbers.host) return "host";
  throw new SshFormatError("a certificate of an unknown kind");
}

function readList(bytes: Buffer): readonly string[] {
  const reader = new SshReader(bytes);
  const list: string[] = [];
  while (!reader.isAtEnd) list.push(reader.text());
  return list;
}

function readOptions(bytes: Buffer): Readonly<Record<string, string>> {
  const reader = new SshReader(bytes);
  const options: Record<string, string> = Object.create(null);
  while (!reader.isAtEnd) {
    const name = reader.text();
    const value = reader.bytes();
    if (name in options) throw new SshFormatError("an option is there twice");
    options[name] = value.length === 0 ? "" : new SshReader(value).text();
  }
  return options;
}

function sorted(entries: [string, string][]): [string, string][] {
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
