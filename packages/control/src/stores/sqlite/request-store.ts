import { canTransition, isFinal } from "@countersign/policy";
import type { Kysely } from "kysely";
import { likenessKey } from "../../likeness.ts";
import { eventRows, openingRow } from "../events.ts";
import { type Changing, requestQueries } from "../request-queries.ts";
import {
  type Change,
  IllegalTransition,
  newest,
  type OverviewQuery,
  type RequestKey,
  type RequestStore,
} from "../request-store.ts";
import { courseColumn, outcomeColumn, overview, requestEvent, requestRow, storedRequest, voteRow } from "../rows.ts";
import type { Schema } from "../schema.ts";
import type { Seal } from "../seal.ts";
import type { Reading, Writing } from "./connection.ts";
import type { Write } from "./group-commit.ts";
import { guarded } from "./guarded.ts";

/** Requests in SQLite. Operations are sealed. */
export function sqliteRequestStore(db: Kysely<Schema>, reading: Reading, write: Write, seal: Seal): RequestStore {
  const queries = requestQueries(db);
  // There are few for each request; SQLite would build a tree to put them in order.
  const votesOf = (id: string) => reading.all(queries.votes, { id }).sort((a, b) => a.sequence - b.sequence);

  /** Makes a change by compare-and-set; false, and nothing written, when the request has moved on. */
  function makeChange(transaction: Writing, id: string, change: Change): boolean {
    const { from, revision, vote } = change;
    const before = transaction.first(queries.changing, { id, state: from, revision });
    if (before === undefined) return false;
    const events = eventRows(id, change, before.sequence);
    if (vote !== undefined && transaction.run(queries.insertVote, voteRow(vote, before.sequence + 1)) === 0) return false;
    for (const event of events) transaction.run(queries.insertEvent, event);
    const sequence = events.at(-1)?.sequence ?? before.sequence;
    transaction.run(queries.change, { ...before, ...columnsOf(id, change, before, sequence, seal), id });
    return true;
  }

  function rowOf(key: RequestKey) {
    return "id" in key ? reading.first(queries.one, key) : reading.first(queries.oneByKey, key);
  }

  function overviewsOf(query: OverviewQuery, limit: number) {
    if ("ids" in query) return overviewsById([...new Set(query.ids)]).slice(0, limit);
    if ("like" in query) return reading.all(queries.alike, { ...query.before, likeness: likenessKey(query.like), limit });
    if ("order" in query) return reading.all(queries.firstToWake, { limit });
    const { sidecar, after = newest } = query;
    const found = query.states.flatMap((state) =>
      sidecar === undefined
        ? reading.all(queries.newest, { ...after, state, limit })
        : reading.all(queries.newestOfSidecar, { ...after, state, sidecar, limit }),
    );
    const page = found.sort((a, b) => b.created_ms - a.created_ms || (a.id < b.id ? 1 : -1)).slice(0, limit);
    return overviewsById(page.map(({ id }) => id));
  }

  function overviewsById(ids: readonly string[]) {
    return ids.flatMap((id) => reading.first(queries.overview, { id }) ?? []);
  }

  return {
    insert: (opening, replaced) =>
      guarded(() => {
        if (replaced !== undefined) requireTransition(replaced.change);
        const inserting = write((transaction) => {
          const row = requestRow(opening, seal);
          if (transaction.run(queries.insert, row) === 0) return "taken";
          transaction.run(queries.insertEvent, openingRow(row));
          if (replaced !== undefined && !makeChange(transaction, replaced.id, replaced.change)) throw new Overtaken();
          return "inserted";
        });
        return inserting.catch((failure) => {
          if (failure instanceof Overtaken) return "overtaken";
          throw failure;
        });
      }),

    change: (id, change) =>
      guarded(() => {
        requireTransition(change);
        return write((transaction) => makeChange(transaction, id, change));
      }),

    get: (key) =>
      guarded(() => {
        const row = rowOf(key);
        return row && storedRequest(row, votesOf(row.id), seal);
      }),

    list: (query, limit) => guarded(() => overviewsOf(query, limit).map((row) => overview(row, votesOf(row.id), seal))),

    journal: (id, afterSequence) =>
      guarded(() => {
        const request = reading.first(queries.status, { id });
        if (request === undefined) return undefined;
        const rows = reading.all(queries.events, { id, after: afterSequence });
        const votes = rows.some((row) => row.type === "vote") ? votesOf(id) : [];
        const events = rows.flatMap((row) => requestEvent(row, request, votes, seal) ?? []);
        return { events, ended: isFinal(request.state) };
      }),

    history: (id) =>
      guarded(() =>
        reading.all(queries.events, { id, after: 0 }).flatMap(({ state, time_ms: timeMs, by }) => {
          return state === null ? [] : { state, timeMs, by };
        }),
      ),
  };
}

/** Undoes an insert: the request whose place it was to take has moved on. */
class Overtaken extends Error {}

function requireTransition({ from, to }: Change): void {
  if (to !== undefined && !canTransition(from, to)) throw new IllegalTransition(from, to);
}

/** The columns that a change sets. */
function columnsOf(id: string, change: Change, before: Changing, sequence: number, seal: Seal): Partial<Changing> {
  const same = {
    revision: change.revision + 1,
    wake_ms: change.wakeMs,
    ...(change.escalated && { escalated_ms: change.timeMs }),
    ...(change.course && { course: courseColumn(id, change.course, seal) }),
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
    ...(change.outcome && { outcome: outcomeColumn(id, change.outcome, seal) }),
  };
}
