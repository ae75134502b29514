import type { Kysely } from "kysely";
import { ControlPlaneError } from "../control-plane-error.ts";
import type { ColumnTypes, Migration } from "./migration.ts";
import { requests } from "./migrations/0001-requests.ts";
import { escalation } from "./migrations/0002-escalation.ts";
import { standing } from "./migrations/0003-standing.ts";
import { plans } from "./migrations/0004-plans.ts";
import { evidence } from "./migrations/0005-evidence.ts";
import type { Schema } from "./schema.ts";

/** Every step; a store at version n has had the first n. */
export const migrations: readonly Migration[] = [requests, escalation, standing, plans, evidence];

/**
 * Brings a store to the newest version, each step in a transaction of its own, so that a crash leaves a whole version behind.
 *
 * @throws {ControlPlaneError} `store_too_new` when a newer Countersign has written it: going back could lose what it added.
 */
export async function migrate(db: Kysely<Schema>, types: ColumnTypes, where: string, steps = migrations): Promise<void> {
  await db.schema
    .createTable("schema_version")
    .ifNotExists()
    .addColumn("version", "integer", (column) => column.primaryKey())
    .execute();
  const last = await db.selectFrom("schema_version").select("version").orderBy("version", "desc").limit(1).executeTakeFirst();
  const from = last?.version ?? 0;
  if (from > steps.length) {
    throw new ControlPlaneError(
      "store_too_new",
      `${where} is at schema version ${from}, this Countersign knows ${steps.length}. Use the newer version again.`,
    );
  }
  for (const [index, step] of steps.entries()) {
    if (index < from) continue;
    await db.transaction().execute(async (transaction) => {
      await step(transaction, types);
      await transaction
        .insertInto("schema_version")
        .values({ version: index + 1 })
        .execute();
    });
  }
}
