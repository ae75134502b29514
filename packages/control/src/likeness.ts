import { hash } from "node:crypto";
import type { Json } from "@countersign/policy";

/** What requests are alike in: the same operation but for its values, on the same resource. */
export interface Likeness {
  readonly resource: string;
  readonly fingerprint: string;
}

/** The fingerprint that classification found; SQL has one, other protocols have none yet. */
export function fingerprintOf(facts: Json): string | undefined {
  const sql = at(facts, "sql");
  const fingerprint = at(sql, "fingerprint");
  return typeof fingerprint === "string" && fingerprint !== "" ? fingerprint : undefined;
}

/** 32 hex digits by which requests that are alike are found. */
export function likenessKey({ resource, fingerprint }: Likeness): string {
  return hash("sha256", `countersign/likeness/v1\n${JSON.stringify([resource, fingerprint])}`).slice(0, 32);
}

function at(value: Json | undefined, key: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json | undefined })[key]
    : undefined;
}
