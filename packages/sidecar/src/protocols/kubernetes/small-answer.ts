import { CountersignError } from "@countersign/policy";
import type { Pool } from "undici";
import type { TargetCredential } from "../request/credential.ts";
import { Exchange } from "../request/exchange.ts";
import type { Field } from "../request/fields.ts";

/** A question of the sidecar's own to an API server. */
export interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Media types, the one that is wanted first; default JSON. */
  readonly accept?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Default 256 KiB: token and metadata of an object. */
  readonly mostBytes?: number;
}

/** An answer that is read whole. */
export interface SmallAnswer {
  readonly status: number;
  /** Undefined unless the status is 200 or 201 and the body JSON. */
  readonly value: unknown;
}

/** Token and metadata of an object: mostly no more is asked for. */
const usualBytes = 256 * 1024;
const patienceMs = 10_000;

/**
 * Asks an API server something that its answer is short to.
 *
 * @throws {CountersignError} `target_unavailable`; `target_credentials` when the credential cannot be read.
 */
export async function askSmall(
  { method, path, accept = "application/json", body, signal, mostBytes = usualBytes }: Question,
  { pool, credential }: { readonly pool: Pool; readonly credential: TargetCredential },
): Promise<SmallAnswer> {
  const { fields } = await credential.read();
  const own: readonly Field[] = [
    ...[["accept", accept] as const, ["accept-encoding", "identity"] as const, ["user-agent", "Countersign"] as const],
    ...(body === undefined ? [] : [["content-type", "application/json"] as const]),
  ];
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const exchange = new Exchange(pool, { method, path, fields: [...own, ...fields], body: bytes });
  const stop = () => exchange.breakOff();
  const patience = setTimeout(stop, patienceMs);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const { status, body: stream } = await exchange.head;
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of stream) {
      size += part.length;
      if (size > mostBytes) throw new RangeError("the answer is too long");
      parts.push(part);
    }
    return { status, value: status === 200 || status === 201 ? parsed(Buffer.concat(parts)) : undefined };
  } catch (cause) {
    exchange.breakOff();
    if (cause instanceof CountersignError) throw cause;
    // What it answered may hold a token: only our own words are passed on.
    throw new CountersignError(
      "target_unavailable",
      "The API server did not answer a question of the sidecar's own in time, or not whole.",
      {
        retryable: true,
      },
    );
  } finally {
    clearTimeout(patience);
    signal?.removeEventListener("abort", stop);
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
