import type { RequestState } from "@countersign/policy";

/** A row for each request. What decides who may approve what is in `head` and `body`, sealed; the columns only find and order. */
export interface RequestTable {
  id: string;
  state: RequestState;
  revision: number;
  /** Sequence of the last event. */
  sequence: number;
  created_ms: number;
  changed_ms: number;
  changed_by: string;
  /** When it expires if nothing happens; null once nothing waits. */
  deadline_ms: number | null;
  valid_until_ms: number | null;
  sidecar: string;
  principal_issuer: string;
  principal_subject: string;
  idempotency_key: string | null;
  /** Sealed JSON: the draft without operation and facts, and the headline. */
  head: Uint8Array;
  /** Sealed JSON: operation and facts. */
  body: Uint8Array;
  /** Sealed JSON: the outcome. */
  outcome: Uint8Array | null;
}

/** A row for each vote. Its signature is checked whenever it counts. */
export interface VoteTable {
  request_id: string;
  /** Sequence of the vote's event. */
  sequence: number;
  approver_issuer: string;
  approver_subject: string;
  /** JSON list. */
  approver_groups: string;
  request_digest: string;
  verdict: string;
  comment: string;
  time_ms: number;
  signature: string;
}

/** A row for each thing that happened to a request. */
export interface EventTable {
  request_id: string;
  sequence: number;
  /** `resolved` is not shown to watchers: it comes after the end. */
  type: "pending" | "vote" | "approved" | "executing" | "ended" | "resolved";
  /** The state entered; null for a vote. */
  state: RequestState | null;
  time_ms: number;
  by: string;
}

/** The one schema, for SQLite and PostgreSQL. */
export interface Schema {
  requests: RequestTable;
  votes: VoteTable;
  events: EventTable;
  schema_version: { version: number };
}
