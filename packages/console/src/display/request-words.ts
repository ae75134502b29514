import type { Outcome, State } from "../api/model.ts";
import { duration, plural } from "./time.ts";

/** How a state is said and coloured, and whether the request is over. */
export const stateWords = {
  pending: { label: "Waiting", tone: "wait", ended: false },
  approved: { label: "Approved", tone: "go", ended: false },
  executing: { label: "Running", tone: "go", ended: false },
  succeeded: { label: "Succeeded", tone: "good", ended: true },
  failed: { label: "Failed", tone: "bad", ended: true },
  denied: { label: "Denied", tone: "bad", ended: true },
  expired: { label: "Expired", tone: "quiet", ended: true },
  cancelled: { label: "Cancelled", tone: "quiet", ended: true },
  revoked: { label: "Revoked", tone: "quiet", ended: true },
  unknown: { label: "Unknown outcome", tone: "doubt", ended: true },
} as const satisfies Record<State, { label: string; tone: "wait" | "go" | "good" | "bad" | "quiet" | "doubt"; ended: boolean }>;

/** The states in which a request is over, for the history. */
export const endedStates = [
  "succeeded",
  "failed",
  "denied",
  "expired",
  "cancelled",
  "revoked",
  "unknown",
] as const satisfies readonly State[];

/** One sentence for each state: what it means for the command. */
export const stateMeaning = {
  pending: "Held. Nothing has reached the target.",
  approved: "Approved. The sidecar may now send it to the target.",
  executing: "Sent to the target; waiting for its answer.",
  succeeded: "The target ran it.",
  failed: "It was sent to the target and did not succeed.",
  denied: "Refused by a person. Nothing reached the target.",
  expired: "Nobody decided in time. Nothing reached the target.",
  cancelled: "Withdrawn before it was decided. Nothing reached the target.",
  revoked: "The approval was taken back. Nothing reached the target.",
  unknown: "The sidecar stopped in mid-call. Whether the target ran it is not known: look before anything is tried again.",
} as const satisfies Record<State, string>;

/** What came out of it: `DELETE 3 · 3 rows changed · 1.4 s`. */
export function outcomeWords(outcome: Outcome): string {
  const parts: string[] = [];
  if (outcome.commandTag !== "") parts.push(outcome.commandTag);
  if (outcome.exitCode !== undefined) parts.push(`exit status ${outcome.exitCode}`);
  if (outcome.signal !== "") parts.push(`ended by signal ${outcome.signal}`);
  if (outcome.status > 0) parts.push(`HTTP status ${outcome.status}`);
  if (outcome.rowsAffected > 0 || /^(DELETE|UPDATE|INSERT|MERGE)\b/.test(outcome.commandTag)) {
    parts.push(`${plural(outcome.rowsAffected, "row")} changed`);
  }
  if (outcome.rows > 0) parts.push(`${plural(outcome.rows, "row")} returned`);
  if (outcome.state === "succeeded" || outcome.durationMs > 0) parts.push(duration(outcome.durationMs));
  return parts.join(" · ");
}
