import type { Evidence } from "@countersign/policy";
import type { Kysely } from "kysely";
import type { EvidenceStore } from "../evidence-store.ts";
import type { Schema } from "../schema.ts";
import type { Seal } from "../seal.ts";
import type { Write } from "./group-commit.ts";
import { guarded } from "./guarded.ts";

/** Evidence in SQLite. */
export function sqliteEvidenceStore(db: Kysely<Schema>, write: Write<Schema>, seal: Seal): EvidenceStore {
  const sealedAs = (id: string) => `${id}/evidence`;
  return {
    insert: (id, evidence) =>
      guarded(() =>
        write(async (transaction) => {
          const { numInsertedOrUpdatedRows } = await transaction
            .insertInto("evidence")
            .values({ request_id: id, body: seal.seal(sealedAs(id), evidence) })
            .onConflict((conflict) => conflict.doNothing())
            .executeTakeFirstOrThrow();
          return numInsertedOrUpdatedRows === 1n ? "inserted" : "taken";
        }),
      ),

    get: (id) =>
      guarded(async () => {
        const row = await db.selectFrom("evidence").select("body").where("request_id", "=", id).executeTakeFirst();
        // The seal is the check beside the cast: only this program, with its key, wrote it.
        return row && (seal.open(sealedAs(id), row.body) as Evidence);
      }),
  };
}
