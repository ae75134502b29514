import { CountersignError, type Principal } from "@countersign/policy";
import type { AuthContext, PublicKeyAuthContext } from "ssh2";
import { claimsOf, type Tokens } from "../../../identity/tokens.ts";
import type { FailedLogin } from "../../../native/failed-logins.ts";
import { type Certificate, isCertificate, isIssued, readCertificate } from "../certificate.ts";
import { SshFormatError } from "../encoding.ts";
import { fingerprint, isSignature, type SshPublicKey } from "../public-key.ts";
import { utils } from "../ssh2-patched.ts";

/** A key by which a principal is known. */
export interface RegisteredKey {
  /** As it is sent. */
  readonly key: Buffer;
  readonly principal: Principal;
}

/** How clients prove who they are. */
export interface ProofOptions {
  readonly tokens: Pick<Tokens, "verify">;
  readonly keys: readonly RegisteredKey[];
  /** Authorities of users, as they are sent. A certificate's one principal is the subject; the issuer is the authority's fingerprint. */
  readonly authorities: readonly Buffer[];
  /** The wall clock. */
  readonly now: () => number;
}

/** Why a proof is none. */
export interface Unproven extends Pick<FailedLogin, "proof" | "claims" | "why"> {
  /** A client that only asks whether a key would do has not tried it. */
  readonly tried: boolean;
}

/** What became of a proof; `query`: the key would do, its signature is still to come. */
export type Proof = { readonly principal: Principal } | "query" | Unproven;

/** A token has at most 16 KiB. */
const mostTokenBytes = 20 * 1024;
const methods = ["publickey", "password", "keyboard-interactive"] as const;

/** What a client may try; shown when one of them failed. */
export const offered: readonly (typeof methods)[number][] = methods;

/** Who a client is. Never throws for what a client sends. */
export async function prove(context: AuthContext, options: ProofOptions): Promise<Proof> {
  if (context.method === "publickey") return byKey(context, options);
  if (context.method === "password") return byToken(context.password, options);
  if (context.method !== "keyboard-interactive") {
    return { proof: "none", claims: {}, why: "this method of authentication is not offered", tried: true };
  }
  // For clients that ask people rather than take a password.
  const answers = await new Promise<string[]>((resolve) =>
    context.prompt([{ prompt: "Token: ", echo: false }], "Countersign", "", (given) =>
      resolve(Array.isArray(given) ? given : []),
    ),
  );
  return byToken(answers[0] ?? "", options);
}

async function byToken(token: string, { tokens }: ProofOptions): Promise<Proof> {
  const no = (why: string) => ({ proof: "token", claims: { ...claimsOf(token) }, why, tried: true }) as const;
  if (token === "" || Buffer.byteLength(token) > mostTokenBytes) return no("no token, or one that is too long");
  try {
    return { principal: await tokens.verify(token) };
  } catch (error) {
    if (error instanceof CountersignError) return no(error.message);
    throw error;
  }
}

function byKey(context: PublicKeyAuthContext, { keys, authorities, now }: ProofOptions): Proof {
  const { data } = context.key;
  const claims = { key: fingerprint(data) };
  const tried = context.signature !== undefined;
  const no = (why: string) => ({ proof: "key", claims, why, tried }) as const;
  try {
    const known = keys.find(({ key }) => key.equals(data));
    if (known !== undefined) {
      if (!ownsKey(context)) return no("the signature is not that of the key");
      return tried ? { principal: known.principal } : "query";
    }
    if (!isCertificate(data)) return no("the key is not registered");
    const certificate = readCertificate(data);
    const why = refusalOf(certificate, { authorities, seconds: BigInt(Math.floor(now() / 1000)) });
    const [subject = ""] = certificate.principals;
    const shown = { ...claims, keyId: certificate.keyId, principal: subject };
    if (why !== undefined) return { proof: "certificate", claims: shown, why, tried };
    if (!ownsCertificate(context, certificate.key))
      return { proof: "certificate", claims: shown, why: "the signature is not that of the certificate's key", tried };
    const issuer = `ssh:${fingerprint(certificate.authority)}`;
    return tried ? { principal: { issuer, subject, groups: [], claims: { keyId: certificate.keyId } } } : "query";
  } catch (error) {
    if (error instanceof SshFormatError) return no("the key cannot be read");
    throw error;
  }
}

/** Why a certificate is not taken; undefined when it is, if the client owns its key. */
function refusalOf(
  certificate: Certificate,
  { authorities, seconds }: { readonly authorities: readonly Buffer[]; readonly seconds: bigint },
): string | undefined {
  const { kind, principals, validAfter, validBefore, criticalOptions, authority } = certificate;
  if (!authorities.some((trusted) => trusted.equals(authority)))
    return "the certificate's authority is not one of the listener's";
  if (!isIssued(certificate)) return "the certificate's own signature does not verify";
  if (kind !== "user") return "the certificate is not a user's";
  // Several names would leave open who it is; none would be anybody.
  if (principals.length !== 1 || principals[0] === "") return "the certificate does not have exactly one principal";
  if (seconds < validAfter || seconds >= validBefore) return "the certificate is not valid now";
  // Whatever an option demands, it is not done here.
  return Object.keys(criticalOptions).length > 0 ? "the certificate has critical options" : undefined;
}

/** Whether the client owns a plain key; a query, which is not signed yet, passes. ssh2 has taken the signature apart. */
function ownsKey({ blob, signature, key, hashAlgo }: PublicKeyAuthContext): boolean {
  if (signature === undefined) return true;
  const parsed = utils.parseKey(key.data);
  // RSA without a named hash is SHA-1.
  if (blob === undefined || parsed instanceof Error || (parsed.type === "ssh-rsa" && hashAlgo === undefined)) return false;
  return parsed.verify(blob, signature, hashAlgo) === true;
}

/** As {@link ownsKey}, of a certificate's key; its signature is as it was sent. */
function ownsCertificate({ blob, signature }: PublicKeyAuthContext, key: SshPublicKey): boolean {
  if (signature === undefined) return true;
  return blob !== undefined && isSignature(key, blob, signature);
}
