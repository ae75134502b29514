import { type KeyObject, sign } from "node:crypto";
import { canonicalDigest, canonicalJson, type Digest } from "../canonical.ts";
import { BundleError } from "./bundle-error.ts";
import { keyIdOf } from "./bundle-key.ts";
import { bundleSchema, caps, format } from "./bundle-schema.ts";

/** A policy on its way: files, and what says which policy it is, how new, and for how long. */
export interface BundleContent {
  readonly format: typeof format;
  /** Grows with every bundle of a policy that is given out: an older one cannot come back. From 1. */
  readonly version: number;
  /** Milliseconds since the Unix epoch. */
  readonly issuedMs: number;
  /** From when on it must not be taken into use; absent = no end. */
  readonly expiresMs?: number | undefined;
  /** Private rules were left out: it tells what policy says, and cannot be enforced. */
  readonly partial: boolean;
  /** The policy's digest; of a partial bundle, that of the whole policy. */
  readonly digest: Digest;
  /** Texts by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** One signature (Ed25519, base64url), and by which key. */
export interface BundleSignature {
  readonly keyId: Digest;
  readonly value: string;
}

/** What a bundle says besides its files. */
export interface BundleTerms {
  readonly version: number;
  /** Milliseconds since the Unix epoch. */
  readonly issuedMs: number;
  readonly expiresMs?: number;
  /** The digest of the whole policy, where the files are only what agents may see of it. */
  readonly partialOf?: Digest;
}

/** The digest of a policy of these files. */
export function policyDigest(files: Readonly<Record<string, string>>): Digest {
  return canonicalDigest("countersign/policy/v1", files);
}

/**
 * Makes a bundle: canonical JSON (RFC 8785), signed by every key that is given; two keys while one takes over from the other. The files are
 * not looked into: load them first.
 *
 * @throws {BundleError} `malformed` or `too_large`, when the files or the terms do not fit a bundle.
 */
export function createBundle(
  files: Readonly<Record<string, string>>,
  { version, issuedMs, expiresMs, partialOf }: BundleTerms,
  keys: readonly KeyObject[] = [],
): Buffer {
  const content: BundleContent = {
    ...{ format, version, issuedMs, files },
    ...(expiresMs === undefined ? {} : { expiresMs }),
    partial: partialOf !== undefined,
    digest: partialOf ?? policyDigest(files),
  };
  const signed = signedBytes(content);
  const signatures = keys.map((key) => ({ keyId: keyIdOf(key), value: sign(null, signed, key).toString("base64url") }));
  const checked = bundleSchema.safeParse({ ...content, signatures });
  if (!checked.success) throw new BundleError("malformed", `No bundle can be made: ${checked.error.issues[0]?.message}.`);
  const bytes = Buffer.from(canonicalJson({ ...content, signatures }));
  if (bytes.length > caps.bytes) throw new BundleError("too_large", `A bundle holds at most ${caps.bytes} bytes.`);
  return bytes;
}

/** What signatures are over: the domain keeps them from being taken for those of anything else. */
export function signedBytes({ format, version, issuedMs, expiresMs, partial, digest, files }: BundleContent): Buffer {
  const content = { format, version, issuedMs, expiresMs, partial, digest, files };
  return Buffer.from(`${format}\n${canonicalJson(content)}`);
}
