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
  /** When the clock has something to do: it expires, or more people are asked; null once nothing waits. */
  wake_ms: number | null;
  /** Up to when the people who are asked by time have been asked. */
  escalated_ms: number;
  valid_until_ms: number | null;
  sidecar: string;
  principal_issuer: string;
  principal_subject: string;
  idempotency_key: string | null;
  /** By what requests that are alike are found; null = nothing is known of that. */
  likeness: string | null;
  /** Sealed JSON: the draft without operation and facts, and the headline. */
  head: Uint8Array;
  /** Sealed JSON: operation and facts. */
  body: Uint8Array;
  /** Sealed JSON: the outcome. */
  outcome: Uint8Array | null;
  /** Sealed JSON: how far a plan has come; null before its first line. */
  course: Uint8Array | null;
}

/** A row for each vote. Its signature is checked whenever it counts. */
export interface VoteTable {
  request_id: string;
  /** One vote for each: several accounts may belong to one person. */
  person: string;
  /** Sequence of the vote's event. */
  sequence: number;
  /** JSON of the ballot. */
  ballot: string;
  signature: string;
}

/** A row for each thing that happened to a request. */
export interface EventTable {
  request_id: string;
  sequence: number;
  /** `resolved` is not shown to watchers: it comes after the end. */
  type: "pending" | "vote" | "escalated" | "approved" | "executing" | "ended" | "resolved";
  /** The state entered; null when it stays. */
  state: RequestState | null;
  time_ms: number;
  by: string;
  /** JSON of what the event says besides; null for most. */
  detail: string | null;
}

/** A row for each standing thing. The columns only find and order; what it says is sealed in `body`. */
export interface StandingTable {
  id: string;
  kind: string;
  name: string;
  active: 0 | 1;
  revision: number;
  created_ms: number;
  until_ms: number | null;
  body: Uint8Array;
}

/** A row for each request about which something was found out. */
interface EvidenceTable {
  request_id: string;
  /** Sealed JSON. */
  body: Uint8Array;
}

/** The one schema, for SQLite and PostgreSQL. */
export interface Schema {
  requests: RequestTable;
  votes: VoteTable;
  events: EventTable;
  standing: StandingTable;
  evidence: EvidenceTable;
  schema_version: { version: number };
}
