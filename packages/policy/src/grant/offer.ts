import type { Digest } from "../canonical.ts";
import type { Bound } from "./bound.ts";
import type { GrantTerms } from "./terms.ts";

/** A grant as an approver signs it along with a vote. */
export interface GrantOffer {
  /** Of the whole statement, see `grantDigest`; this is signed. */
  readonly digest: Digest;
  /** In the form that `checkedTerms` gives. Right only where the statement that they make has the digest. */
  readonly terms: GrantTerms;
}

/** Whether a value that was read back is an offer. */
export function isGrantOffer(value: unknown): value is GrantOffer {
  if (!isObject(value) || typeof value.digest !== "string" || !isObject(value.terms)) return false;
  const { uses, ttlMs, bounds } = value.terms;
  return Number.isSafeInteger(uses) && Number.isSafeInteger(ttlMs) && Array.isArray(bounds) && bounds.every(isValueBound);
}

function isValueBound(value: unknown): boolean {
  return isObject(value) && typeof value.value === "string" && isObject(value.bound) && isBound(value.bound);
}

function isBound({ type, values, min, max, prefix }: Readonly<Record<string, unknown>>): boolean {
  switch (type as Bound["type"]) {
    case "one_of":
      return Array.isArray(values) && values.every((one) => typeof one === "string");
    case "range":
      return typeof min === "string" && typeof max === "string";
    case "prefix":
      return typeof prefix === "string";
    case "any":
      return true;
    default:
      return false;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
