import type { KubernetesFacts, KubernetesRequest, Outcome } from "@countersign/policy";
import { CountersignError } from "@countersign/policy";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { lostFailure, unknownFailure } from "../request/failure.ts";
import type { AskBy } from "./token-request.ts";

/** An object as it was before a write: what tells later whether anything was changed. */
const stateSchema = z.strictObject({
  /** Its path. */
  object: z.string().startsWith("/"),
  uid: z.string(),
  resourceVersion: z.string(),
  /** Which write it was: no other has this. */
  write: z.string(),
});

/** A checked marker of this protocol. */
type ObjectState = z.output<typeof stateSchema>;

const metadataSchema = z.object({ metadata: z.object({ uid: z.string().min(1), resourceVersion: z.string().min(1) }) });

/** No more than that comes of a Secret. */
const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
/** Who manages which field may be long. */
const mostBytes = 4 * 1024 * 1024;
/** API servers end a request after a minute (`--request-timeout`); twice that is waited for. */
const settledMs = 120_000;
/** Those that are forgotten are waited for anew. */
const mostWaits = 10_000;

/** The path of the one object that a write changes; undefined where there is none that is known before. */
export function objectOf({ path }: KubernetesRequest, { verb, name, subresource, dryRun }: KubernetesFacts): string | undefined {
  if (dryRun || name === "" || !["update", "patch", "delete"].includes(verb)) return undefined;
  const [own = ""] = path.split("?");
  if (subresource === "") return own;
  return subresource === "status" || subresource === "scale" ? own.slice(0, own.lastIndexOf("/")) : undefined;
}

/**
 * Looks at an object before it is written to; null when it is not there, or the role may not look.
 *
 * @throws {CountersignError} `target_unavailable`, `target_credentials`: nothing was sent.
 */
export async function stateOf(object: string, ask: AskBy, write: string, signal: AbortSignal): Promise<ObjectState | null> {
  const { value } = await ask({ method: "GET", path: object, accept, mostBytes, signal });
  const found = metadataSchema.safeParse(value);
  if (!found.success) return null;
  const { uid, resourceVersion } = found.data.metadata;
  return { object, uid, resourceVersion, write };
}

/** Finds out what became of writes whose answers were lost. */
export class LostWrites {
  /** By write, when it was first asked about: by then its connection had ended, here or with the process before. */
  readonly #firstMs = new LRUCache<string, number>({ max: mostWaits });
  readonly #now: () => number;

  /** @param now monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * What became of one. Every change of an object changes its resourceVersion (API conventions, "Concurrency Control and Consistency"): what is as
   * it was when the API server is done was not changed. What is not may have been changed by somebody else, so that nothing more is claimed.
   *
   * @throws {CountersignError} `target_unavailable` when the API server cannot be asked, or may be at work yet.
   */
  async resolve(marker: unknown, ask: AskBy, signal: AbortSignal | undefined): Promise<Outcome> {
    const parsed = stateSchema.safeParse(marker);
    if (!parsed.success)
      return unknown(
        "The connection to the API server ended while it was at work, and it cannot tell what became of the request.",
      );
    const { object, uid, resourceVersion, write } = parsed.data;
    const firstMs = this.#firstMs.get(write) ?? this.#now();
    this.#firstMs.set(write, firstMs);
    // Before the question: what is answered is then at least as old.
    const isSettled = this.#now() >= firstMs + settledMs;
    const { status, value } = await ask({ method: "GET", path: object, accept, mostBytes, ...(signal && { signal }) });
    if (status >= 500 || status === 429) throw notYet(`the API server answers ${status}`);
    if (status === 404) return unknown("The object is not there any more; whether this request did that cannot be told.");
    const found = metadataSchema.safeParse(value);
    if (!found.success)
      return unknown(`What became of the request cannot be told: the API server answers ${status} when asked for the object.`);
    const { metadata } = found.data;
    if (metadata.uid !== uid)
      return unknown("Another object has that name now; whether this request took part in that cannot be told.");
    if (metadata.resourceVersion !== resourceVersion)
      return unknown("The object was changed since; whether this request did that cannot be told.");
    if (!isSettled) throw notYet("nothing was changed so far, but the API server may still be at work");
    return { ...nothing, state: "failed", failure: lostFailure() };
  }
}

function notYet(why: string): CountersignError {
  return new CountersignError("target_unavailable", why, { retryable: true });
}

const nothing = { rows: 0, bytes: 0, durationMs: 0 };

function unknown(why: string): Outcome {
  return { ...nothing, state: "unknown", failure: unknownFailure(why) };
}
