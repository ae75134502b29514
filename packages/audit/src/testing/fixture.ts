import { generateKeyPairSync, randomBytes } from "node:crypto";
import { logKeyText } from "../checkpoint.ts";
import { payloadHash } from "../commitment.ts";
import { hashText } from "../hash.ts";
import { type Log, openLog } from "../log.ts";
import type { RecordDraft } from "../record.ts";
import { type LogKey, parseLogKey } from "../verify/note.ts";
import { MemoryLogStore } from "./memory-log-store.ts";

export const origin = "countersign.example/test";
export const privateKey = generateKeyPairSync("ed25519").privateKey;
export const logKey: LogKey = parseLogKey(logKeyText(origin, privateKey));

/** Opens a log over a store, under the test's key. */
export function open(store: MemoryLogStore, key = privateKey): Promise<Log> {
  const sealPayload = (payload: Uint8Array) => {
    const salt = randomBytes(32);
    return {
      commitment: { hash: hashText(payloadHash(salt, payload)), size: payload.length },
      sealed: Buffer.concat([salt, payload]),
    };
  };
  return openLog({ store, origin, key, sealPayload });
}

/** A draft about a request. */
export function draft(type: RecordDraft["type"], request: string, more: Partial<RecordDraft> = {}): RecordDraft {
  return { type, request, timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678), resource: "orders-db", ...more };
}

/** A store that holds `count` records: intents and their outcomes in turn, by two writers, `group` records in each commit. */
export async function filledStore(count: number, group = 1): Promise<{ store: MemoryLogStore; log: Log }> {
  const store = new MemoryLogStore();
  const log = await open(store);
  for (let at = 0; at < count; at += group) {
    const drafts = Array.from({ length: Math.min(group, count - at) }, (_, n) =>
      draft((at + n) % 2 === 0 ? "intent" : "outcome", `req_${Math.floor((at + n) / 2)}`),
    );
    await log.append(at % (3 * group) === 0 ? "local" : "remote", drafts, "handed-over");
  }
  return { store, log };
}
