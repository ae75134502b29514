import type { Migration } from "../migration.ts";

/** What was found out about a request before anybody voted, and by what requests are alike. */
export const evidence: Migration = async (db, types) => {
  await db.schema
    .createTable("evidence")
    .addColumn("request_id", "text", (column) => column.primaryKey().references("requests.id"))
    .addColumn("body", types.bytes, (column) => column.notNull())
    .execute();
  // Null for those of before, and for what has no fingerprint.
  await db.schema.alterTable("requests").addColumn("likeness", "text").execute();
  await db.schema
    .createIndex("requests_likeness")
    .on("requests")
    .columns(["likeness", "created_ms", "id"])
    .where("likeness", "is not", null)
    .execute();
};
