import { generateKeyPairSync } from "node:crypto";
import type { AuthorityKey } from "./authority.ts";
import { issueCertificate } from "./certificate.ts";
import { encodeOpensshKey } from "./openssh-key.ts";

/** What a certificate lets its holder do on the target, and nothing else. */
export interface CertificateScope {
  /** The only command that sshd runs with it, whatever is asked for; undefined for a terminal session, in which all may be done that the user may. */
  readonly forceCommand: string | undefined;
  /** Whether it may have a terminal. */
  readonly terminal: boolean;
  /** Whether connections may be made through the host, for a jump. */
  readonly forwarding: boolean;
}

/** For whom and when. */
export interface CertificateHolder {
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly nowMs: number;
  /** Unguessable bytes. */
  readonly random: (size: number) => Buffer;
}

/** A key made for one login, and its certificate. */
export interface DispatchCertificate {
  /** In OpenSSH's format. */
  readonly privateKey: string;
  /** As it is sent. */
  readonly certificate: Buffer;
  /** Decimal; sshd logs it. */
  readonly serial: string;
  /** Of the authority that signed. */
  readonly authority: string;
}

/** For clocks that differ, seconds; together one minute, in which a stolen certificate could do no more than repeat the command. */
const before = 20n;
const after = 40n;

/** Makes a key and a certificate for it that is valid for a minute at most and for one command. */
export function mintCertificate(
  authority: AuthorityKey,
  scope: CertificateScope,
  holder: CertificateHolder,
): DispatchCertificate {
  const { privateKey } = generateKeyPairSync("ed25519");
  const serial = holder.random(8).readBigUInt64BE();
  const now = BigInt(Math.floor(holder.nowMs / 1000));
  const certificate = issueCertificate(
    {
      kind: "user",
      serial,
      keyId: `${holder.keyId} ${serial}`,
      principals: holder.principals,
      validAfter: now - before,
      validBefore: now + after,
      criticalOptions: scope.forceCommand === undefined ? {} : { "force-command": scope.forceCommand },
      extensions: [...(scope.terminal ? ["permit-pty"] : []), ...(scope.forwarding ? ["permit-port-forwarding"] : [])],
    },
    privateKey,
    authority.privateKey,
    holder.random(32),
  );
  return { privateKey: encodeOpensshKey(privateKey), certificate, serial: String(serial), authority: authority.fingerprint };
}
