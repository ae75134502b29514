import { CountersignError } from "@countersign/policy";
import type { Pool } from "undici";
import type { TargetCredential } from "../../request/credential.ts";
import { Exchange } from "../../request/exchange.ts";

/** Objects of API servers are at most 1.5 MiB in etcd, and somewhat larger as JSON. */
const mostBytes = 8 * 1024 * 1024;

/**
 * Reads one object of the API server.
 *
 * @param may what the role needs for it, for whoever grants it: `get pods`.
 * @throws {CountersignError} `target_error` when there is none, `target_credentials` when the role may not read it, `target_unavailable`.
 */
export async function readObject(
  path: string,
  may: string,
  { pool, credential, signal }: { readonly pool: Pool; readonly credential: TargetCredential; readonly signal: AbortSignal },
): Promise<unknown> {
  const { fields } = await credential.read();
  const own = [
    ["accept", "application/json"],
    ["accept-encoding", "identity"],
    ["user-agent", "Countersign"],
  ] as const;
  const exchange = new Exchange(pool, { method: "GET", path, fields: [...own, ...fields], body: undefined });
  const breakOff = () => exchange.breakOff();
  signal.addEventListener("abort", breakOff, { once: true });
  if (signal.aborted) breakOff();
  try {
    const { status, body } = await exchange.head;
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > mostBytes) throw unreadable(path, `it is larger than ${mostBytes} bytes`);
      parts.push(part);
    }
    const text = Buffer.concat(parts).toString();
    if (status === 200) return JSON.parse(text);
    throw refusal(status, path, may);
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw unreadable(path, "the target gave no answer that can be read");
  } finally {
    signal.removeEventListener("abort", breakOff);
    exchange.breakOff();
  }
}

function refusal(status: number, path: string, may: string): CountersignError {
  if (status === 401 || status === 403)
    return new CountersignError(
      "target_credentials",
      `The role may not read ${path} (${status}); it needs the right to ${may}.`,
      {
        targetCode: String(status),
      },
    );
  if (status === 404) return new CountersignError("target_error", `There is no ${path}; nothing was run.`, { targetCode: "404" });
  return unreadable(path, `the target answered ${status}`);
}

function unreadable(path: string, why: string): CountersignError {
  return new CountersignError("target_unavailable", `${path} cannot be read: ${why}. Nothing was run.`, { retryable: true });
}
