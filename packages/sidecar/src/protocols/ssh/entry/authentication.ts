import { CountersignError, type Principal } from "@countersign/policy";
import type { AuthContext, PublicKeyAuthContext } from "ssh2";
import type { Tokens } from "../../../identity/tokens.ts";
import { isCertificate, isIssued, readCertificate } from "../certificate.ts";
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

/** A proof that was accepted, or `query`: the key would do, its signature is still to come. */
export type Proof = Principal | "query";

/** A token has at most 16 KiB. */
const mostTokenBytes = 20 * 1024;
const methods = ["publickey", "password", "keyboard-interactive"] as const;

/** What a client may try; shown when one of them failed. */
export const offered: readonly (typeof methods)[number][] = methods;

/** Who a client is; undefined when this does not prove it. Never throws for what a client sends. */
export async function prove(context: AuthContext, options: ProofOptions): Promise<Proof | undefined> {
  if (context.method === "publickey") return byKey(context, options);
  if (context.method === "password") return byToken(context.password, options);
  if (context.method !== "keyboard-interactive") return undefined;
  // For clients that ask people rather than take a password.
  const answers = await new Promise<string[]>((resolve) =>
    context.prompt([{ prompt: "Token: ", echo: false }], "Countersign", "", (given) =>
      resolve(Array.isArray(given) ? given : []),
    ),
  );
  return byToken(answers[0] ?? "", options);
}

async function byToken(token: string, { tokens }: ProofOptions): Promise<Principal | undefined> {
  if (token === "" || Buffer.byteLength(token) > mostTokenBytes) return undefined;
  try {
    return await tokens.verify(token);
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

function byKey(context: PublicKeyAuthContext, { keys, authorities, now }: ProofOptions): Proof | undefined {
  const { data } = context.key;
  try {
    const known = keys.find(({ key }) => key.equals(data));
    if (known !== undefined) {
      if (!ownsKey(context)) return undefined;
      return context.signature ? known.principal : "query";
    }
    if (!isCertificate(data)) return undefined;
    const certificate = readCertificate(data);
    const seconds = BigInt(Math.floor(now() / 1000));
    const { kind, principals, validAfter, validBefore, criticalOptions, authority } = certificate;
    const [subject, ...others] = principals;
    const isGood =
      authorities.some((trusted) => trusted.equals(authority)) &&
      isIssued(certificate) &&
      kind === "user" &&
      // Several names would leave open who it is; none would be anybody.
      subject !== undefined &&
      others.length === 0 &&
      validAfter <= seconds &&
      seconds < validBefore &&
      // Whatever an option demands, it is not done here.
      Object.keys(criticalOptions).length === 0;
    if (!isGood || !ownsCertificate(context, certificate.key)) return undefined;
    const issuer = `ssh:${fingerprint(authority)}`;
    return context.signature ? { issuer, subject, groups: [], claims: { keyId: certificate.keyId } } : "query";
  } catch (error) {
    if (error instanceof SshFormatError) return undefined;
    throw error;
  }
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
