import { sql } from "kysely";
import type { Migration } from "../migration.ts";

/** Ballots as they were signed, one for each person, and the moments at which requests ask more people. */
export const escalation: Migration = async (db) => {
  await db.schema
    .createTable("ballots")
    .addColumn("request_id", "text", (column) => column.notNull().references("requests.id"))
    .addColumn("person", "text", (column) => column.notNull())
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("ballot", "text", (column) => column.notNull())
    .addColumn("signature", "text", (column) => column.notNull())
    // By person: somebody with several accounts has one vote, and so has the same name behind another issuer.
    .addPrimaryKeyConstraint("ballots_person", ["request_id", "person"])
    .execute();
  await sql`insert into ballots (request_id, person, sequence, ballot, signature)
    select request_id, approver_subject, sequence,
      json_object('requestId', request_id, 'requestDigest', request_digest,
        'approver', json_object('issuer', approver_issuer, 'subject', approver_subject, 'groups', json(approver_groups)),
        'verdict', verdict, 'comment', comment, 'timeMs', time_ms),
      signature from votes`.execute(db);
  await db.schema.dropTable("votes").execute();
  await db.schema.alterTable("ballots").renameTo("votes").execute();

  await db.schema.alterTable("events").addColumn("detail", "text").execute();

  // The deadline of what waits was the only thing that the clock did.
  await db.schema.alterTable("requests").renameColumn("deadline_ms", "wake_ms").execute();
  await db.schema
    .alterTable("requests")
    .addColumn("escalated_ms", "bigint", (column) => column.notNull().defaultTo(0))
    .execute();
};
