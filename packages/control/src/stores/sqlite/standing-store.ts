import type { Json } from "@countersign/policy";
import type { Kysely, Selectable } from "kysely";
import { newest } from "../request-store.ts";
import type { Schema, StandingTable } from "../schema.ts";
import type { Seal } from "../seal.ts";
import { standingQueries } from "../standing-queries.ts";
import type { Standing, StandingQuery, StandingStore } from "../standing-store.ts";
import type { Reading } from "./connection.ts";
import type { Write } from "./group-commit.ts";
import { guarded } from "./guarded.ts";

/** Standing things in SQLite. */
export function sqliteStandingStore(db: Kysely<Schema>, reading: Reading, write: Write, seal: Seal): StandingStore {
  const queries = standingQueries(db);

  function rowsOf({ kind, name, active, after = newest }: StandingQuery, limit: number): Row[] {
    const page = { kind, ...after, limit };
    if (active === undefined)
      return name === undefined ? reading.all(queries.all, page) : reading.all(queries.named, { ...page, name });
    const standing = { ...page, active: flag(active) };
    return name === undefined ? reading.all(queries.active, standing) : reading.all(queries.activeNamed, { ...standing, name });
  }

  return {
    insert: (standing) =>
      guarded(() =>
        write((transaction) =>
          transaction.run(queries.insert, rowOf({ ...standing, revision: 1 }, seal)) === 1 ? "inserted" : "taken",
        ),
      ),

    change: (id, revision, change) =>
      guarded(() =>
        write((transaction) => {
          const row = transaction.first(queries.one, { id });
          if (row === undefined || row.revision !== revision) return false;
          transaction.run(queries.change, rowOf({ ...standingOf(row, seal), ...change, revision: revision + 1 }, seal));
          return true;
        }),
      ),

    get: (id) =>
      guarded(() => {
        const row = reading.first(queries.one, { id });
        return row && standingOf(row, seal);
      }),

    list: (query, limit) => guarded(() => rowsOf(query, limit).map((row) => standingOf(row, seal))),
  };
}

type Row = Selectable<StandingTable>;

function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

/** What is sealed in `body`. */
type Body = Omit<Standing, "id" | "untilMs"> & { readonly untilMs: number | null };

function rowOf({ id, untilMs, ...rest }: Standing, seal: Seal): Row {
  const { kind, name, active, revision, createdMs } = rest;
  const body: Body = { ...rest, untilMs: untilMs ?? null };
  return {
    id,
    kind,
    name,
    active: flag(active),
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
