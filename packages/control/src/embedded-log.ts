import { join } from "node:path";
import { type AuditLog, type Log, openLog } from "@countersign/audit";
import type { Keys } from "./keys.ts";
import { payloadSealer } from "./log/payload.ts";
import { openSqliteLogStore, type SqliteLogStore } from "./log/sqlite-log-store.ts";
import { RecordedSessions } from "./recorded-sessions.ts";

/** The audit log of a data folder, with its store; disposing of it closes both. */
export interface EmbeddedLog extends AuditLog, AsyncDisposable {
  readonly log: Log;
  readonly store: SqliteLogStore;
  readonly sessions: RecordedSessions;
}

/**
 * Opens `audit.db` for writing; only inside `openLog` of {@link openEmbeddedControlPlane}, which has locked the folder.
 *
 * @param origin - The log's name in records and checkpoints: no white space, no `+`.
 * @throws {AuditError} `corrupt` or `unavailable`.
 */
export async function openEmbeddedLog(folder: string, keys: Pick<Keys, "log" | "payload">, origin: string): Promise<EmbeddedLog> {
  const store = openSqliteLogStore(join(folder, "audit.db"));
  try {
    const log = await openLog({ store, origin, key: keys.log.privateKey, sealPayload: payloadSealer(keys.payload) });
    const sessions = new RecordedSessions(store, keys.payload);
    return {
      ...{ log, store, sessions },
      async append(writer, drafts, durability) {
        const receipts = await log.append(writer, drafts, durability);
        const ids = drafts.flatMap(({ type, request }) => (type.startsWith("session.") ? (request ?? []) : []));
        if (ids.length > 0) sessions.written(ids);
        return receipts;
      },
      openIntents: (writer) => log.openIntents(writer),
      recordsOf: (request) => log.recordsOf(request),
      standing: () => log.standing(),
      async [Symbol.asyncDispose]() {
        sessions.close();
        await log.close();
        await store.close();
      },
    };
  } catch (failure) {
    await store.close();
    throw failure;
  }
}
