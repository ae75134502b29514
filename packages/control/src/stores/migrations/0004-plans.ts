import type { Migration } from "../migration.ts";

/** How far plans have come. */
export const plans: Migration = async (db, types) => {
  await db.schema.alterTable("requests").addColumn("course", types.bytes).execute();
};
