import type { Evidence, RowChange } from "@countersign/policy";
import type * as rpc from "@countersign/rpc";
import type { PastDecision } from "../past-decisions.ts";
import { stateMessages } from "./state-messages.ts";

/** What an action would do. */
export function evidenceMessage(evidence: Evidence): rpc.Evidence {
  const {
    timeMs,
    failure = "",
    plan = "",
    estimatedRows,
    affectedRows,
    sample = [],
    difference = "",
    locks = [],
    notes,
  } = evidence;
  return {
    ...{ timeMs, failure, plan, estimatedRows, affectedRows, difference },
    sample: sample.map(rowMessage),
    ...{ locks: [...locks], notes: [...notes] },
  };
}

/** How an earlier request ended. */
export function pastMessage({ id, state, subject, votes, createdMs }: PastDecision): rpc.PastDecision {
  const said = votes.map(({ approver, verdict }) => `${approver.subject}: ${verdict}`);
  return { id, state: stateMessages[state], subject, votes: said, createdMs };
}

function rowMessage({ columns, before = [], after = [], beforeUnknown }: RowChange): rpc.RowChange {
  return { columns: [...columns], before: before.map(cell), after: after.map(cell), beforeUnknown: beforeUnknown === true };
}

function cell(text: string | null): rpc.CellValue {
  return { text: text ?? undefined };
}
