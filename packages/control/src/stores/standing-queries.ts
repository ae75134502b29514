import type { Kysely, Selectable } from "kysely";
import { prepared } from "./prepared-query.ts";
import type { Schema, StandingTable } from "./schema.ts";

type Row = Selectable<StandingTable>;

/** A page of one kind, newest first. */
interface Page extends Pick<Row, "kind"> {
  readonly createdMs: number;
  readonly id: string;
  readonly limit: number;
}

/** All that the store of standing things asks, and says. */
export function standingQueries(db: Kysely<Schema>) {
  const page = ({ kind, createdMs, id, limit }: Page) =>
    db
      .selectFrom("standing")
      .selectAll()
      .where("kind", "=", kind)
      .where((where) => where(where.refTuple("created_ms", "id"), "<", where.tuple(createdMs, id)))
      .orderBy("created_ms", "desc")
      .orderBy("id", "desc")
      .limit(limit);

  return {
    one: prepared(({ id }: { id: string }) => db.selectFrom("standing").selectAll().where("id", "=", id)),
    all: prepared(page),
    named: prepared((of: Page & Pick<Row, "name">) => page(of).where("name", "=", of.name)),
    active: prepared((of: Page & Pick<Row, "active">) => page(of).where("active", "=", of.active)),
    activeNamed: prepared((of: Page & Pick<Row, "active" | "name">) =>
      page(of).where("active", "=", of.active).where("name", "=", of.name),
    ),
    insert: prepared(({ id, kind, name, active, revision, created_ms, until_ms, body }: Row) =>
      db
        .insertInto("standing")
        .values({ id, kind, name, active, revision, created_ms, until_ms, body })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    change: prepared(({ id, active, revision, body }: Pick<Row, "id" | "active" | "revision" | "body">) =>
      db.updateTable("standing").set({ active, revision, body }).where("id", "=", id),
    ),
  };
}
