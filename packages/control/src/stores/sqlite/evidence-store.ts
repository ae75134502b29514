import type { Evidence } from "@countersign/policy";
import type { Kysely } from "kysely";
import { evidenceQueries } from "../evidence-queries.ts";
import type { EvidenceStore } from "../evidence-store.ts";
import type { Schema } from "../schema.ts";
import type { Seal } from "../seal.ts";
import type { Reading } from "./connection.ts";
import type { Write } from "./group-commit.ts";
import { guarded } from "./guarded.ts";

/** Evidence in SQLite. */
export function sqliteEvidenceStore(db: Kysely<Schema>, reading: Reading, write: Write, seal: Seal): EvidenceStore {
  const queries = evidenceQueries(db);
  const sealedAs = (id: string) => `${id}/evidence`;
  return {
    insert: (id, evidence) =>
      guarded(() =>
        write((transaction) => {
          const written = transaction.run(queries.insert, { id, body: seal.seal(sealedAs(id), evidence) });
          return written === 1 ? "inserted" : "taken";
        }),
      ),

    get: (id) =>
      guarded(() => {
        const row = reading.first(queries.one, { id });
        // The seal is the check beside the cast: only this program, with its key, wrote it.
        return row && (seal.open(sealedAs(id), row.body) as Evidence);
      }),
  };
}
