import { eventRows } from "./events.ts";
import type { Change, StoredRequest } from "./request-store.ts";

/** What a request is after a change that was made on it: what the store would give, without asking it. */
export function changedRequest(before: StoredRequest, change: Change): StoredRequest {
  const { vote, to, timeMs, by, outcome, validUntilMs, wakeMs, escalated, course } = change;
  const { wakeMs: _, ...rest } = before;
  return {
    ...rest,
    ...{ revision: before.revision + 1, sequence: sequenceAfter(before, change) },
    ...(wakeMs === null ? {} : { wakeMs }),
    ...(escalated && { escalatedMs: timeMs }),
    ...(course && { course }),
    ...(vote && { votes: [...before.votes, vote] }),
    ...(to && { state: to, changedMs: timeMs, changedBy: by }),
    ...(to && validUntilMs !== undefined && { validUntilMs }),
    ...(to && outcome && { outcome }),
  };
}

/** A resolution comes after the end and is no event. */
function sequenceAfter({ binding, sequence }: StoredRequest, change: Change): number {
  if (change.from === "unknown" && change.to !== undefined) return sequence;
  return eventRows(binding.requestId, change, sequence).at(-1)?.sequence ?? sequence;
}
