import { isFinal, type RequestState, transitions } from "@countersign/policy";
import type { Kysely, Selectable } from "kysely";
import { prepared } from "./prepared-query.ts";
import type { Position } from "./request-store.ts";
import type { EventTable, RequestTable, Schema, VoteTable } from "./schema.ts";

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

/** What a change may set, and what it is told by. */
const changingColumns = [
  "state",
  "revision",
  "sequence",
  "changed_ms",
  "changed_by",
  "wake_ms",
  "escalated_ms",
  "valid_until_ms",
  "outcome",
  "course",
] as const satisfies (keyof RequestTable)[];

/** What of a request changes. */
export type Changing = Pick<RequestTable, (typeof changingColumns)[number]>;

const ended = Object.keys(transitions).filter((state): state is RequestState => isFinal(state as RequestState));

/** A page of a list that is ordered newest first. */
interface Page extends Position {
  readonly limit: number;
}

/** All that the store of requests asks, and says. Many rows by their ids are asked for one by one: that is one shape, however many they are. */
export function requestQueries(db: Kysely<Schema>) {
  const requests = db.selectFrom("requests");
  const byId = (id: string) => requests.where("id", "=", id);

  /** The ids of one state: read backwards from the index (state, created_ms, id), so that a page costs the same however many there are. */
  function newestOf({ state, createdMs, id, limit }: Page & { readonly state: RequestState }) {
    return requests
      .select(["id", "created_ms"])
      .where("state", "=", state)
      .where((where) => where(where.refTuple("created_ms", "id"), "<", where.tuple(createdMs, id)))
      .orderBy("created_ms", "desc")
      .orderBy("id", "desc")
      .limit(limit);
  }

  return {
    one: prepared(({ id }: { id: string }) => byId(id).selectAll()),
    oneByKey: prepared(({ issuer, subject, idempotencyKey }: { issuer: string; subject: string; idempotencyKey: string }) =>
      requests
        .selectAll()
        .where("principal_issuer", "=", issuer)
        .where("principal_subject", "=", subject)
        .where("idempotency_key", "=", idempotencyKey),
    ),
    overview: prepared(({ id }: { id: string }) => byId(id).select(overviewColumns)),
    /** How one request stands: what its events are told by. */
    status: prepared(({ id }: { id: string }) => byId(id).select(["id", "state", "valid_until_ms", "outcome"])),

    newest: prepared(newestOf),
    newestOfSidecar: prepared((of: Page & { readonly state: RequestState; readonly sidecar: string }) =>
      newestOf(of).where("sidecar", "=", of.sidecar),
    ),
    alike: prepared(({ likeness, createdMs, id, limit }: Page & { readonly likeness: string }) =>
      requests
        .select(overviewColumns)
        .where("likeness", "=", likeness)
        .where((where) => where(where.refTuple("created_ms", "id"), "<", where.tuple(createdMs, id)))
        .where("state", "in", ended)
        .orderBy("created_ms", "desc")
        .orderBy("id", "desc")
        .limit(limit),
    ),
    firstToWake: prepared(({ limit }: { limit: number }) =>
      requests.select(overviewColumns).where("wake_ms", "is not", null).orderBy("wake_ms").limit(limit),
    ),

    votes: prepared(({ id }: { id: string }) => db.selectFrom("votes").selectAll().where("request_id", "=", id)),
    events: prepared(({ id, after }: { id: string; after: number }) =>
      db.selectFrom("events").selectAll().where("request_id", "=", id).where("sequence", ">", after).orderBy("sequence"),
    ),

    /** Nothing when the request is no longer as it was when the change was decided on. */
    changing: prepared(({ id, state, revision }: { id: string; state: RequestState; revision: number }) =>
      byId(id).select(changingColumns).where("state", "=", state).where("revision", "=", revision),
    ),
    change: prepared((row: Changing & { readonly id: string }) =>
      db
        .updateTable("requests")
        .set({
          ...{ state: row.state, revision: row.revision, sequence: row.sequence },
          ...{ changed_ms: row.changed_ms, changed_by: row.changed_by },
          ...{ wake_ms: row.wake_ms, escalated_ms: row.escalated_ms, valid_until_ms: row.valid_until_ms },
          ...{ outcome: row.outcome, course: row.course },
        })
        .where("id", "=", row.id),
    ),

    insert: prepared((row: Selectable<RequestTable>) =>
      db
        .insertInto("requests")
        .values({
          ...{ id: row.id, state: row.state, revision: row.revision, sequence: row.sequence },
          ...{ created_ms: row.created_ms, changed_ms: row.changed_ms, changed_by: row.changed_by },
          ...{ wake_ms: row.wake_ms, escalated_ms: row.escalated_ms, valid_until_ms: row.valid_until_ms },
          ...{ sidecar: row.sidecar, principal_issuer: row.principal_issuer, principal_subject: row.principal_subject },
          ...{ idempotency_key: row.idempotency_key, likeness: row.likeness },
          ...{ head: row.head, body: row.body, outcome: row.outcome, course: row.course },
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    /** One vote for a person: the primary key stops a second one, whoever asks. */
    insertVote: prepared(({ request_id, person, sequence, ballot, signature }: Selectable<VoteTable>) =>
      db
        .insertInto("votes")
        .values({ request_id, person, sequence, ballot, signature })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    insertEvent: prepared(({ request_id, sequence, type, state, time_ms, by, detail }: Selectable<EventTable>) =>
      db.insertInto("events").values({ request_id, sequence, type, state, time_ms, by, detail }),
    ),
  };
}
