import type { Migration } from "../migration.ts";

/** Requests, votes and what happened to them. */
export const requests: Migration = async (db, types) => {
  await db.schema
    .createTable("requests")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("revision", "integer", (column) => column.notNull())
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("created_ms", "bigint", (column) => column.notNull())
    .addColumn("changed_ms", "bigint", (column) => column.notNull())
    .addColumn("changed_by", "text", (column) => column.notNull())
    .addColumn("deadline_ms", "bigint")
    .addColumn("valid_until_ms", "bigint")
    .addColumn("sidecar", "text", (column) => column.notNull())
    .addColumn("principal_issuer", "text", (column) => column.notNull())
    .addColumn("principal_subject", "text", (column) => column.notNull())
    .addColumn("idempotency_key", "text")
    .addColumn("head", types.bytes, (column) => column.notNull())
    .addColumn("body", types.bytes, (column) => column.notNull())
    .addColumn("outcome", types.bytes)
    .execute();
  await db.schema.createIndex("requests_created").on("requests").columns(["state", "created_ms", "id"]).execute();
  await db.schema
    .createIndex("requests_deadline")
    .on("requests")
    .column("deadline_ms")
    .where("deadline_ms", "is not", null)
    .execute();
  // A NULL key is equal to no other, so requests without a key never collide.
  await db.schema
    .createIndex("requests_idempotency")
    .unique()
    .on("requests")
    .columns(["principal_issuer", "principal_subject", "idempotency_key"])
    .execute();

  await db.schema
    .createTable("votes")
    .addColumn("request_id", "text", (column) => column.notNull().references("requests.id"))
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("approver_issuer", "text", (column) => column.notNull())
    .addColumn("approver_subject", "text", (column) => column.notNull())
    .addColumn("approver_groups", "text", (column) => column.notNull())
    .addColumn("request_digest", "text", (column) => column.notNull())
    .addColumn("verdict", "text", (column) => column.notNull())
    .addColumn("comment", "text", (column) => column.notNull())
    .addColumn("time_ms", "bigint", (column) => column.notNull())
    .addColumn("signature", "text", (column) => column.notNull())
    // By subject alone: the same person behind another issuer has one vote.
    .addPrimaryKeyConstraint("votes_person", ["request_id", "approver_subject"])
    .execute();

  await db.schema
    .createTable("events")
    .addColumn("request_id", "text", (column) => column.notNull().references("requests.id"))
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("state", "text")
    .addColumn("time_ms", "bigint", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("events_order", ["request_id", "sequence"])
    .execute();
};
