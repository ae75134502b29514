import { canTransition, isFinal, type Vote } from "@countersign/policy";
import type { Kysely, Selectable, Transaction } from "kysely";
import { eventRows, openingRow } from "../events.ts";
import { selectOne, selectOverviews, selectStatus } from "../queries.ts";
import { type Change, IllegalTransition, type RequestStore } from "../request-store.ts";
import { courseColumn, journalEntry, outcomeColumn, overview, requestRow, storedRequest, voteRow } from "../rows.ts";
import type { RequestTable, Schema, VoteTable } from "../schema.ts";
import type { Seal } from "../seal.ts";
import type { Write } from "./group-commit.ts";
import { guarded } from "./guarded.ts";

/** Requests in SQLite. Operations are sealed. */
export function sqliteRequestStore(db: Kysely<Schema>, write: Write<Schema>, seal: Seal): RequestStore {
  async function votesOf(ids: readonly string[]): Promise<Map<string, Selectable<VoteTable>[]>> {
    if (ids.length === 0) return new Map();
    const rows = await db.selectFrom("votes").selectAll().where("request_id", "in", ids).orderBy("sequence").execute();
    return Map.groupBy(rows, (row) => row.request_id);
  }

  /** Makes a change by compare-and-set; false, and nothing written, when the request has moved on. */
  async function makeChange(transaction: Transaction<Schema>, id: string, change: Change): Promise<boolean> {
    const { from, revision, vote } = change;
    const before = await transaction
      .selectFrom("requests")
      .select(["sequence", "valid_until_ms", "outcome"])
      .where("id", "=", id)
      .where("state", "=", from)
      .where("revision", "=", revision)
      .executeTakeFirst();
    if (before === undefined) return false;
    const events = eventRows(id, change, before.sequence);
    if (vote !== undefined && !(await insertVote(transaction, vote, before.sequence + 1))) return false;
    if (events.length > 0) await transaction.insertInto("events").values(events).execute();
    const outcome = change.outcome === undefined ? before.outcome : outcomeColumn(id, change.outcome, seal);
    const sequence = events.at(-1)?.sequence ?? before.sequence;
    await transaction
      .updateTable("requests")
      .set({
        ...columnsOf(change, before, sequence, outcome),
        ...(change.course && { course: courseColumn(id, change.course, seal) }),
      })
      .where("id", "=", id)
      .execute();
    return true;
  }

  return {
    insert: (opening, replaced) =>
      guarded(async () => {
        if (replaced !== undefined) requireTransition(replaced.change);
        const inserting = write(async (transaction) => {
          const row = requestRow(opening, seal);
          const { numInsertedOrUpdatedRows } = await transaction
            .insertInto("requests")
            .values(row)
            .onConflict((conflict) => conflict.doNothing())
            .executeTakeFirstOrThrow();
          if (numInsertedOrUpdatedRows !== 1n) return "taken";
          await transaction.insertInto("events").values(openingRow(row)).execute();
          if (replaced !== undefined && !(await makeChange(transaction, replaced.id, replaced.change))) throw new Overtaken();
          return "inserted";
        });
        return inserting.catch((failure) => {
          if (failure instanceof Overtaken) return "overtaken";
          throw failure;
        });
      }),

    change: (id, change) =>
      guarded(async () => {
        requireTransition(change);
        return write((transaction) => makeChange(transaction, id, change));
      }),

    get: (key) =>
      guarded(async () => {
        const row = await selectOne(db, key);
        if (row === undefined) return undefined;
        const votes = await votesOf([row.id]);
        return storedRequest(row, votes.get(row.id) ?? [], seal);
      }),

    list: (query, limit) =>
      guarded(async () => {
        const rows = await selectOverviews(db, query, limit);
        const votes = await votesOf(rows.map((row) => row.id));
        return rows.map((row) => overview(row, votes.get(row.id) ?? [], seal));
      }),

    journal: (id, afterSequence) =>
      guarded(async () => {
        const request = await selectStatus(db, id);
        if (request === undefined) return undefined;
        const rows = await db
          .selectFrom("events")
          .selectAll()
          .where("request_id", "=", id)
          .where("sequence", ">", afterSequence)
          .orderBy("sequence")
          .execute();
        const votes = rows.some((row) => row.type === "vote") ? ((await votesOf([id])).get(id) ?? []) : [];
        return { entries: rows.map((row) => journalEntry(row, request, votes, seal)), ended: isFinal(request.state) };
      }),
  };
}

/** Undoes an insert: the request whose place it was to take has moved on. */
class Overtaken extends Error {}

function requireTransition({ from, to }: Change): void {
  if (to !== undefined && !canTransition(from, to)) throw new IllegalTransition(from, to);
}

type Before = Pick<Selectable<RequestTable>, "sequence" | "valid_until_ms" | "outcome">;

/** The columns that a change sets. */
function columnsOf(change: Change, before: Before, sequence: number, outcome: Uint8Array | null): Partial<RequestTable> {
  const same = {
    revision: change.revision + 1,
    wake_ms: change.wakeMs,
    ...(change.escalated === undefined ? {} : { escalated_ms: change.timeMs }),
  };
  if (change.to === undefined) return { ...same, sequence };
  return {
    ...same,
    // A resolution comes after the end and is no event.
    sequence: change.from === "unknown" ? before.sequence : sequence,
    state: change.to,
    changed_ms: change.timeMs,
    changed_by: change.by,
    valid_until_ms: change.validUntilMs ?? before.valid_until_ms,
    outcome,
  };
}

/** One vote for a person: the primary key stops a second one, whoever asks. */
async function insertVote(transaction: Transaction<Schema>, vote: Vote, sequence: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("votes")
    .values(voteRow(vote, sequence))
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
