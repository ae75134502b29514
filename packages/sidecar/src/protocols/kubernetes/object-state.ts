import type { KubernetesFacts, KubernetesRequest, Outcome } from "@countersign/policy";
import { CountersignError } from "@countersign/policy";
import { z } from "zod";
import { lostFailure, unknownFailure } from "../request/failure.ts";
import type { AskBy } from "./token-request.ts";

/** An object as it was before a write: what tells later whether anything was changed. */
const stateSchema = z.strictObject({
  /** Its path. */
  object: z.string().startsWith("/"),
  uid: z.string(),
  resourceVersion: z.string(),
  /** Before the write was sent, milliseconds since the Unix epoch. */
  atMs: z.number(),
});

/** A checked marker of this protocol. */
export type ObjectState = z.output<typeof stateSchema>;

const metadataSchema = z.object({ metadata: z.object({ uid: z.string().min(1), resourceVersion: z.string().min(1) }) });

/** No more than that comes of a Secret. */
const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
/** Who manages which field may be long. */
const mostBytes = 4 * 1024 * 1024;
/** API servers end a request after a minute (`--request-timeout`); twice that is waited for. */
const settledMs = 120_000;

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
export async function stateOf(object: string, ask: AskBy, atMs: number, signal: AbortSignal): Promise<ObjectState | null> {
  const { value } = await ask({ method: "GET", path: object, accept, mostBytes, signal });
  const found = metadataSchema.safeParse(value);
  if (!found.success) return null;
  const { uid, resourceVersion } = found.data.metadata;
  return { object, uid, resourceVersion, atMs };
}

/**
 * What became of a write whose answer was lost. Every change of an object changes its resourceVersion (API conventions, "Concurrency Control and
 * Consistency"): one that is as it was was not changed. One that is not may have been changed by somebody else, so that nothing more is claimed.
 *
 * @throws {CountersignError} `target_unavailable` when the API server cannot be asked, or may be at work yet.
 */
export async function resolveWrite(
  marker: unknown,
  ask: AskBy,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const parsed = stateSchema.safeParse(marker);
  if (!parsed.success)
    return unknown("The connection to the API server ended while it was at work, and it cannot tell what became of the request.");
  const { object, uid, resourceVersion, atMs } = parsed.data;
  if (nowMs < atMs + settledMs)
    throw new CountersignError("target_unavailable", "the API server may still be at work", { retryable: true });
  const { status, value } = await ask({ method: "GET", path: object, accept, mostBytes, ...(signal && { signal }) });
  if (status >= 500 || status === 429)
    throw new CountersignError("target_unavailable", `the API server answers ${status}`, { retryable: true });
  if (status === 404) return unknown("The object is not there any more; whether this request did that cannot be told.");
  const found = metadataSchema.safeParse(value);
  if (!found.success)
    return unknown(`What became of the request cannot be told: the API server answers ${status} when asked for the object.`);
  const now = found.data.metadata;
  if (now.uid !== uid) return unknown("Another object has that name now; whether this request took part in that cannot be told.");
  if (now.resourceVersion !== resourceVersion)
    return unknown("The object was changed since; whether this request did that cannot be told.");
  return { ...nothing, state: "failed", failure: lostFailure() };
}

const nothing = { rows: 0, bytes: 0, durationMs: 0 };

function unknown(why: string): Outcome {
  return { ...nothing, state: "unknown", failure: unknownFailure(why) };
}
