import type { Migration } from "../migration.ts";

/** What stands until it is taken back or its time is up: locks, grants, delegations, reviews that are due. */
export const standing: Migration = async (db, types) => {
  await db.schema
    .createTable("standing")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("active", "integer", (column) => column.notNull())
    .addColumn("revision", "integer", (column) => column.notNull())
    .addColumn("created_ms", "bigint", (column) => column.notNull())
    .addColumn("until_ms", "bigint")
    .addColumn("body", types.bytes, (column) => column.notNull())
    .execute();
  await db.schema.createIndex("standing_name").on("standing").columns(["kind", "active", "name", "created_ms", "id"]).execute();
  await db.schema.createIndex("standing_newest").on("standing").columns(["kind", "active", "created_ms", "id"]).execute();
};
