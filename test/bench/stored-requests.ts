import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { draft } from "../../packages/control/fixtures/drafts.ts";
import { openKeys } from "../../packages/control/src/keys.ts";
import { openSqliteStores } from "../../packages/control/src/stores/sqlite/stores.ts";

/** What a vote names. */
export interface Votable {
  readonly id: string;
  readonly digest: string;
}

/**
 * Requests that were put into a store, taken from the end. They lie in one buffer and are made by another thread, so that whoever measures
 * with them has a small heap: collecting a large one would be measured too.
 */
export class StoredRequests {
  readonly #lines: Buffer;
  #left: number;
  readonly #width: number;

  private constructor(lines: Uint8Array, count: number) {
    this.#lines = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
    this.#width = lines.byteLength / count;
    this.#left = count;
  }

  /**
   * Puts requests of another sidecar into the store of a data folder, as they would be after a long weekend.
   *
   * @param progress told how many are stored, at times.
   */
  static fill(data: string, count: number, progress: (stored: number) => void): Promise<StoredRequests> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredRequests>();
    const worker = new Worker(new URL(import.meta.url), { workerData: { data, count } });
    worker.on("message", (message: number | Uint8Array) => {
      if (typeof message === "number") progress(message);
      else resolve(new StoredRequests(message, count));
    });
    worker.once("error", reject);
    return promise;
  }

  /** The last one that was not taken yet. */
  take(): Votable | undefined {
    if (this.#left === 0) return undefined;
    this.#left--;
    const [id = "", digest = ""] = this.#lines
      .toString("latin1", this.#left * this.#width, (this.#left + 1) * this.#width)
      .trimEnd()
      .split(" ");
    return { id, digest };
  }
}

async function store({ data, count }: { readonly data: string; readonly count: number }): Promise<void> {
  await using stores = await openSqliteStores(join(data, "control.db"), openKeys(data).payload);
  const lines: string[] = [];
  const nowMs = Date.now();
  const requirements = [{ rule: "writes", stages: [{ approvers: ["group:dba-oncall"], count: 1 }] }];
  while (lines.length < count) {
    const some = Array.from({ length: Math.min(1000, count - lines.length) }, (_, index) => {
      const n = lines.length + index;
      const statement = `update stock set amount = amount - 1 where shelf = $1 -- ${n}`;
      return draft({
        nowMs: nowMs - n,
        statement,
        sidecar: "elsewhere",
        subject: `agent-${n % 100}`,
        approval: { requirements },
      });
    });
    await Promise.all(
      some.map((one) =>
        stores.requests.insert({
          ...{ draft: one, headline: "update stock set amount = amount - 1", state: "pending", timeMs: nowMs, by: "agent" },
          wakeMs: one.binding.expiry.pendingUntilMs,
        }),
      ),
    );
    lines.push(...some.map(({ binding, requestDigest }) => `${binding.requestId} ${requestDigest}\n`));
    if (lines.length % 20_000 === 0) parentPort?.postMessage(lines.length);
  }
  const bytes = new Uint8Array(Buffer.from(lines.join(""), "latin1"));
  parentPort?.postMessage(bytes, [bytes.buffer]);
}

if (!isMainThread) await store(workerData);
