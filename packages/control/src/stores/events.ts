import type { RequestState } from "@countersign/policy";
import type { Selectable } from "kysely";
import type { Change } from "./request-store.ts";
import type { EventTable, RequestTable } from "./schema.ts";

type EventRow = Selectable<EventTable>;

/** Which event tells that a request entered a state. */
const eventTypes = {
  pending: "pending",
  approved: "approved",
  executing: "executing",
  succeeded: "ended",
  failed: "ended",
  denied: "ended",
  expired: "ended",
  cancelled: "ended",
  revoked: "ended",
  unknown: "ended",
} as const satisfies Record<RequestState, EventRow["type"]>;

/** The first event of a request. */
export function openingRow(row: Pick<RequestTable, "id" | "state" | "created_ms" | "changed_by">): EventRow {
  return {
    request_id: row.id,
    sequence: 1,
    type: eventTypes[row.state],
    state: row.state,
    time_ms: row.created_ms,
    by: row.changed_by,
    detail: null,
  };
}

/** The events of a change, after a sequence: a vote, then who else is asked, then the state that it led to. */
export function eventRows(id: string, change: Change, after: number): EventRow[] {
  const rows: EventRow[] = [];
  const at = { request_id: id, time_ms: change.timeMs, by: change.by, detail: null };
  let sequence = after;
  if (change.vote !== undefined) rows.push({ ...at, sequence: ++sequence, type: "vote", state: null });
  if (change.escalated !== undefined && change.escalated.length > 0) {
    rows.push({ ...at, sequence: ++sequence, type: "escalated", state: null, detail: JSON.stringify(change.escalated) });
  }
  if (change.to !== undefined) {
    sequence += change.resultEvents ?? 0;
    const type = change.from === "unknown" ? "resolved" : eventTypes[change.to];
    rows.push({ ...at, sequence: ++sequence, type, state: change.to });
  }
  return rows;
}
