import type { Evidence, FieldChange, RowChange } from "@countersign/policy";
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
    changes,
    about = [],
    notes,
  } = evidence;
  return {
    ...{ timeMs, failure, plan, estimatedRows, affectedRows, difference },
    sample: sample.map(rowMessage),
    ...{ locks: [...locks], notes: [...notes], about: about.map((one) => ({ ...one })) },
    changes: changes && { fields: changes.fields.map(fieldMessage), more: changes.more },
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

function fieldMessage({ path, before, after }: FieldChange): rpc.FieldChange {
  return { path, before, after };
}

function cell(text: string | null): rpc.CellValue {
  return { text: text ?? undefined };
}
