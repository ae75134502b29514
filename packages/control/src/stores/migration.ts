import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";

/** Names of column types in which the dialects differ. */
export interface ColumnTypes {
  readonly bytes: "blob" | "bytea";
}

/** One step forward. Never changed once released: a correction is another step. */
export type Migration = (db: Kysely<Schema>, types: ColumnTypes) => Promise<void>;
