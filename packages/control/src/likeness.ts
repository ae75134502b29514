import { hash } from "node:crypto";
import type { Json } from "@countersign/policy";

/** What requests are alike in: the same operation but for its values, on the same resource. */
export interface Likeness {
  readonly resource: string;
  readonly fingerprint: string;
}

/** What makes requests to a cluster alike: the same is done to the same object, whatever is sent. */
const ofCluster = ["verb", "group", "resource", "subresource", "namespace", "name", "argv"];

/** The fingerprint that classification found: SQL's own, or what is done to which object of a cluster. Other protocols have none yet. */
export function fingerprintOf(facts: Json): string | undefined {
  const kubernetes = at(facts, "kubernetes");
  if (kubernetes !== undefined) return JSON.stringify(["kubernetes", ...ofCluster.map((name) => at(kubernetes, name) ?? "")]);
  const fingerprint = at(at(facts, "sql"), "fingerprint");
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
