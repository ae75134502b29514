import { CountersignError } from "@countersign/policy";
import { type Certificate, isCertificate, isIssued, readCertificate } from "./certificate.ts";
import { SshFormatError } from "./encoding.ts";
import { fingerprint, keyLine, keyTypeOf, parseKeyLine } from "./public-key.ts";

/** By what a host proves that it is the one that is meant. */
export interface HostTrust {
  /** The name that its certificate must hold. */
  readonly hostName: string;
  /** Pinned keys, as they are sent. */
  readonly keys: readonly Buffer[];
  /** Authorities of hosts, as they are sent. */
  readonly authorities: readonly Buffer[];
}

/** Reads lines of configuration; they were checked there. */
export function hostTrust(hostName: string, keys: readonly string[], authorities: readonly string[]): HostTrust {
  return { hostName, keys: keys.map(parseKeyLine), authorities: authorities.map(parseKeyLine) };
}

/** What is approved about the host, in words that people can compare: fingerprints, sorted. */
export function trustText({ keys, authorities }: HostTrust): string {
  return [...keys.map((key) => fingerprint(key)), ...authorities.map((key) => `certified by ${fingerprint(key)}`)]
    .sort()
    .join(", ");
}

/**
 * Checks the key that a host showed; that it owns it is checked by the key exchange.
 *
 * @param where The target in words, e.g. `web-1` or `the jump host bastion:22 of web-1`.
 * @throws {CountersignError} `target_unavailable` that prints the fingerprint, and the line to pin.
 */
export function checkHost(shown: Buffer, trust: HostTrust, where: string, nowMs: number): void {
  try {
    if (!isCertificate(shown)) {
      if (trust.keys.some((key) => key.equals(shown))) return;
      throw unknown(shown, trust, where);
    }
    const wrong = certificateFault(readCertificate(shown), trust, nowMs);
    if (wrong !== undefined) throw refused(`The host certificate of ${where} is not accepted: ${wrong}.`);
  } catch (error) {
    if (!(error instanceof SshFormatError)) throw error;
    throw refused(`The host key of ${where} cannot be read: ${error.message}.`);
  }
}

function certificateFault(certificate: Certificate, { authorities, hostName }: HostTrust, nowMs: number): string | undefined {
  const { kind, authority, principals, validAfter, validBefore, criticalOptions } = certificate;
  const now = BigInt(Math.floor(nowMs / 1000));
  if (!authorities.some((trusted) => trusted.equals(authority)))
    return `its authority ${fingerprint(authority)} is not one of hostAuthorities`;
  if (!isIssued(certificate)) return "its authority's signature is wrong";
  if (kind !== "host") return "it is for users";
  if (!principals.includes(hostName))
    return `it is for ${principals.length === 0 ? "no host" : principals.join(", ")}, not for ${hostName}`;
  if (now < validAfter || now >= validBefore) return "it is not valid now";
  const [unknownOption] = Object.keys(criticalOptions);
  return unknownOption === undefined ? undefined : `it has the unknown critical option ${JSON.stringify(unknownOption)}`;
}

function unknown(shown: Buffer, { keys, authorities }: HostTrust, where: string): CountersignError {
  const how =
    keys.length > 0
      ? "has changed: another server may answer there"
      : authorities.length > 0
        ? "is not certified by one of hostAuthorities"
        : "is not pinned";
  return refused(
    `The host key of ${where} ${how}; nothing was sent. It shows ${keyTypeOf(shown)} ${fingerprint(shown)}. ` +
      `Compare that on the host itself (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub). If it is right, put this into hostKeys: ${keyLine(shown)}`,
  );
}

function refused(message: string): CountersignError {
  return new CountersignError("target_unavailable", message);
}
