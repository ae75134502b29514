import { type KeyObject, verify } from "node:crypto";
import { canonicalJson, type Digest } from "../canonical.ts";
import { type BundleContent, type BundleSignature, policyDigest, signedBytes } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { keyIdOf } from "./bundle-key.ts";
import { bundleSchema, caps, format } from "./bundle-schema.ts";

/** What a bundle is held against. */
export interface BundleTrust {
  /** The clock, milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** One of these must have signed it. Absent = signatures are not asked for. An empty list trusts nobody. */
  readonly trustedKeys?: readonly KeyObject[];
  /** The bundle that was in use before: an older one, or another of the same version, is refused. */
  readonly after?: { readonly version: number; readonly digest: Digest };
}

/** A bundle that may be used. */
export interface OpenedBundle extends BundleContent {
  /** The trusted keys that signed it; empty when none was asked for. */
  readonly signedBy: readonly Digest[];
}

/** Clocks of two machines may differ by so much. */
const skewMs = 5 * 60_000;

/**
 * Opens a bundle: one canonical text, files that are what the digest says, a trusted signature where keys are given, in its time, and not
 * older than the one before. The files are not loaded: that is `loadPolicy`'s part.
 *
 * @throws {BundleError} with the reason.
 */
export function openBundle(bytes: Uint8Array, { nowMs, trustedKeys, after }: BundleTrust): OpenedBundle {
  const { signatures, ...content } = parse(bytes);
  if (!content.partial && policyDigest(content.files) !== content.digest)
    throw new BundleError("digest_mismatch", "The bundle's files are not those that its digest names. Make it anew.");
  const signedBy = trustedKeys === undefined ? [] : trustedSigners(content, signatures, trustedKeys);
  if (content.issuedMs > nowMs + skewMs)
    throw new BundleError("not_yet_valid", "The bundle was issued in the future. Check the clocks of both machines.");
  if (content.expiresMs !== undefined && content.expiresMs <= nowMs)
    throw new BundleError("expired", `The bundle expired at ${new Date(content.expiresMs).toISOString()}. Get a newer one.`);
  if (after !== undefined) requireNewer(content, after);
  return { ...content, signedBy };
}

/** One text for one bundle: what does not come out the same when it is written again (spaces, order, a key twice) is refused. */
function parse(bytes: Uint8Array): BundleContent & { readonly signatures: readonly BundleSignature[] } {
  if (bytes.length > caps.bytes) throw new BundleError("too_large", `A bundle holds at most ${caps.bytes} bytes.`);
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new BundleError("malformed", "This is not a policy bundle: it is not JSON.");
  }
  if (isObject(value) && typeof value.format === "string" && value.format !== format)
    throw new BundleError(
      "unknown_format",
      `The bundle is in the format ${JSON.stringify(value.format.slice(0, 60))}; this version reads ${format}.`,
    );
  const parsed = bundleSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.length ? ` at ${issue.path.join(".").slice(0, 300)}` : "";
    throw new BundleError("malformed", `This is not a policy bundle${where}: ${issue?.message.slice(0, 300)}.`);
  }
  if (canonicalJson(parsed.data) !== text)
    throw new BundleError("malformed", "The bundle is not canonical JSON (RFC 8785). Make it anew.");
  return parsed.data;
}

/** Keys that nobody here knows may have signed too: that is how a new key is brought in. A known key's signature must be right. */
function trustedSigners(
  content: BundleContent,
  signatures: readonly BundleSignature[],
  trustedKeys: readonly KeyObject[],
): Digest[] {
  if (signatures.length === 0)
    throw new BundleError("unsigned", "The bundle is not signed, and keys are configured: only a signed one is used.");
  if (new Set(signatures.map(({ keyId }) => keyId)).size < signatures.length)
    throw new BundleError("malformed", "A key has signed the bundle twice.");
  const byId = new Map(trustedKeys.map((key) => [keyIdOf(key), key]));
  const bytes = signedBytes(content);
  const signers: Digest[] = [];
  for (const { keyId, value } of signatures) {
    const key = byId.get(keyId);
    if (key === undefined) continue;
    const signature = Buffer.from(value, "base64url");
    if (signature.toString("base64url") !== value || !verify(null, bytes, key, signature))
      throw new BundleError(
        "bad_signature",
        "The bundle was changed after it was signed: a trusted key's signature does not verify.",
      );
    signers.push(keyId);
  }
  if (signers.length === 0)
    throw new BundleError("untrusted", "No trusted key has signed the bundle. Sign it with one, or trust its key.");
  return signers;
}

function requireNewer({ version, digest }: BundleContent, after: NonNullable<BundleTrust["after"]>): void {
  if (version < after.version)
    throw new BundleError(
      "rolled_back",
      `The bundle is version ${version}; version ${after.version} was in use already. Give it a higher version.`,
    );
  if (version === after.version && digest !== after.digest)
    throw new BundleError(
      "rolled_back",
      `Another bundle of version ${version} was in use already. Give this one a higher version.`,
    );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
