import type { Kysely } from "kysely";
import { prepared } from "./prepared-query.ts";
import type { Schema } from "./schema.ts";

/** All that the store of evidence asks, and says. */
export function evidenceQueries(db: Kysely<Schema>) {
  return {
    one: prepared(({ id }: { id: string }) => db.selectFrom("evidence").select("body").where("request_id", "=", id)),
    insert: prepared(({ id, body }: { id: string; body: Uint8Array }) =>
      db
        .insertInto("evidence")
        .values({ request_id: id, body })
        .onConflict((conflict) => conflict.doNothing()),
    ),
  };
}
