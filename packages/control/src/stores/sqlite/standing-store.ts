import type { Json } from "@countersign/policy";
import type { Kysely, Selectable } from "kysely";
import type { Schema, StandingTable } from "../schema.ts";
import type { Seal } from "../seal.ts";
import type { Standing, StandingStore } from "../standing-store.ts";
import type { Write } from "./group-commit.ts";
import { guarded } from "./guarded.ts";

/** Standing things in SQLite. */
export function sqliteStandingStore(db: Kysely<Schema>, write: Write<Schema>, seal: Seal): StandingStore {
  return {
    insert: (standing) =>
      guarded(() =>
        write(async (transaction) => {
          const { numInsertedOrUpdatedRows } = await transaction
            .insertInto("standing")
            .values(rowOf({ ...standing, revision: 1 }, seal))
            .onConflict((conflict) => conflict.doNothing())
            .executeTakeFirstOrThrow();
          return numInsertedOrUpdatedRows === 1n ? "inserted" : "taken";
        }),
      ),

    change: (id, revision, change) =>
      guarded(() =>
        write(async (transaction) => {
          const row = await transaction
            .selectFrom("standing")
            .selectAll()
            .where("id", "=", id)
            .where("revision", "=", revision)
            .executeTakeFirst();
          if (row === undefined) return false;
          const next = rowOf({ ...standingOf(row, seal), ...change, revision: revision + 1 }, seal);
          await transaction.updateTable("standing").set(next).where("id", "=", id).execute();
          return true;
        }),
      ),

    get: (id) =>
      guarded(async () => {
        const row = await db.selectFrom("standing").selectAll().where("id", "=", id).executeTakeFirst();
        return row && standingOf(row, seal);
      }),

    list: ({ kind, name, active, after }, limit) =>
      guarded(async () => {
        let rows = db.selectFrom("standing").selectAll().where("kind", "=", kind);
        if (name !== undefined) rows = rows.where("name", "=", name);
        if (active !== undefined) rows = rows.where("active", "=", active ? 1 : 0);
        if (after !== undefined) {
          rows = rows.where((where) => where(where.refTuple("created_ms", "id"), "<", where.tuple(after.createdMs, after.id)));
        }
        const found = await rows.orderBy("created_ms", "desc").orderBy("id", "desc").limit(limit).execute();
        return found.map((row) => standingOf(row, seal));
      }),
  };
}

type Row = Selectable<StandingTable>;

/** What is sealed in `body`. */
type Body = Omit<Standing, "id" | "untilMs"> & { readonly untilMs: number | null };

function rowOf({ id, untilMs, ...rest }: Standing, seal: Seal): Row {
  const { kind, name, active, revision, createdMs } = rest;
  const body: Body = { ...rest, untilMs: untilMs ?? null };
  return {
    id,
    kind,
    name,
    active: active ? 1 : 0,
    revision,
    created_ms: createdMs,
    until_ms: untilMs ?? null,
    body: seal.seal(`${id}/standing`, body),
  };
}

/** The columns only find it: what it says is taken from the seal, which is the check beside the cast. */
function standingOf(row: Row, seal: Seal): Standing {
  const { untilMs, body, ...rest } = seal.open(`${row.id}/standing`, row.body) as Body;
  return { ...rest, id: row.id, body: body as Json, ...(untilMs === null ? {} : { untilMs }) };
}
