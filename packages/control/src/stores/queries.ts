import { isFinal, type RequestState, transitions } from "@countersign/policy";
import type { Kysely } from "kysely";
import { likenessKey } from "../likeness.ts";
import type { OverviewQuery, Position, RequestKey } from "./request-store.ts";
import type { RequestTable, Schema } from "./schema.ts";

/** All but `body`, which may be large. */
const overviewColumns = [
  "id",
  "state",
  "revision",
  "sequence",
  "created_ms",
  "changed_ms",
  "changed_by",
  "wake_ms",
  "escalated_ms",
  "valid_until_ms",
  "sidecar",
  "principal_issuer",
  "principal_subject",
  "idempotency_key",
  "likeness",
  "head",
  "outcome",
  "course",
] as const satisfies (keyof RequestTable)[];

const ended = Object.keys(transitions).filter((state): state is RequestState => isFinal(state as RequestState));

/** The row of one request. */
export function selectOne(db: Kysely<Schema>, key: RequestKey) {
  const requests = db.selectFrom("requests").selectAll();
  const one =
    "id" in key
      ? requests.where("id", "=", key.id)
      : requests
          .where("principal_issuer", "=", key.issuer)
          .where("principal_subject", "=", key.subject)
          .where("idempotency_key", "=", key.idempotencyKey);
  return one.executeTakeFirst();
}

/** How one request stands: what its events are told by. */
export function selectStatus(db: Kysely<Schema>, id: string) {
  const columns = db.selectFrom("requests").select(["id", "state", "valid_until_ms", "outcome"]);
  return columns.where("id", "=", id).executeTakeFirst();
}

/** The rows of several requests, without `body`. */
export async function selectOverviews(db: Kysely<Schema>, query: OverviewQuery, limit: number) {
  const requests = db.selectFrom("requests").select(overviewColumns);
  if ("ids" in query) return query.ids.length === 0 ? [] : requests.where("id", "in", query.ids).limit(limit).execute();
  if ("like" in query) {
    const { createdMs, id } = query.before;
    return requests
      .where("likeness", "=", likenessKey(query.like))
      .where((where) => where(where.refTuple("created_ms", "id"), "<", where.tuple(createdMs, id)))
      .where("state", "in", ended)
      .orderBy("created_ms", "desc")
      .orderBy("id", "desc")
      .limit(limit)
      .execute();
  }
  if ("order" in query) return requests.where("wake_ms", "is not", null).orderBy("wake_ms").limit(limit).execute();

  // State by state, so that each reads its part of the index (state, created_ms, id) backwards and stops: a page costs the same however
  // many requests there are.
  const newest = await Promise.all(query.states.map((state) => newestOf(db, state, query, limit)));
  const ids = newest
    .flat()
    .sort((a, b) => b.created_ms - a.created_ms || (a.id < b.id ? 1 : -1))
    .slice(0, limit)
    .map((row) => row.id);
  if (ids.length === 0) return [];
  const rows = await requests.where("id", "in", ids).execute();
  const order = new Map(ids.map((id, index) => [id, index]));
  return rows.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}

function newestOf(db: Kysely<Schema>, state: RequestState, of: { sidecar?: string; after?: Position }, limit: number) {
  let rows = db.selectFrom("requests").select(["id", "created_ms"]).where("state", "=", state);
  const { sidecar, after } = of;
  if (sidecar !== undefined) rows = rows.where("sidecar", "=", sidecar);
  if (after !== undefined) {
    rows = rows.where((where) => where(where.refTuple("created_ms", "id"), "<", where.tuple(after.createdMs, after.id)));
  }
  return rows.orderBy("created_ms", "desc").orderBy("id", "desc").limit(limit).execute();
}
