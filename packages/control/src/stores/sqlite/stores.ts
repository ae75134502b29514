import { openSeal } from "../seal.ts";
import type { Stores } from "../stores.ts";
import { openDatabase } from "./database.ts";
import { sqliteEvidenceStore } from "./evidence-store.ts";
import { groupCommit } from "./group-commit.ts";
import { sqliteRequestStore } from "./request-store.ts";
import { sqliteStandingStore } from "./standing-store.ts";

/**
 * Opens what a control plane keeps in an SQLite file, for this process alone.
 *
 * @param payloadKey 32 bytes; what is stored is sealed with a key derived from it.
 * @throws {ControlPlaneError} `folder_in_use`, `store_too_new` or `store_damaged`.
 */
export async function openSqliteStores(file: string, payloadKey: Uint8Array): Promise<Stores> {
  const { db, connection, wal } = await openDatabase(file);
  const seal = openSeal(payloadKey);
  const { write, idle } = groupCommit(connection, wal);
  return {
    requests: sqliteRequestStore(db, connection, write, seal),
    standing: sqliteStandingStore(db, connection, write, seal),
    evidence: sqliteEvidenceStore(db, connection, write, seal),
    async [Symbol.asyncDispose]() {
      await idle();
      await db.destroy();
      wal.close();
    },
  };
}
