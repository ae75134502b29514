/**
 * Why a bundle is not used.
 *
 * - `too_large`, `malformed`: it is not a bundle, or not written the one way in which it may be.
 * - `unknown_format`: of another version of this product.
 * - `digest_mismatch`: the files are not those that it says it holds.
 * - `unsigned`, `untrusted`, `bad_signature`: no signature, none by a trusted key, or one by a trusted key that does not verify.
 * - `not_yet_valid`, `expired`, `rolled_back`: issued in the future, too old, or older than one that was used before.
 * - `partial`: private rules were left out of it, so that it cannot be enforced.
 */
export type BundleErrorCode =
  | "too_large"
  | "malformed"
  | "unknown_format"
  | "digest_mismatch"
  | "unsigned"
  | "untrusted"
  | "bad_signature"
  | "not_yet_valid"
  | "expired"
  | "rolled_back"
  | "partial";

/** A bundle, or a key for one, cannot be used. The message says what is wrong and what to do; it quotes nothing of the files. */
export class BundleError extends Error {
  override readonly name = "BundleError";
  readonly code: BundleErrorCode;

  constructor(code: BundleErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
