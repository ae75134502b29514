import type { Json } from "./canonical.ts";

/** What a record is about. */
export type RecordType =
  | "start"
  | "stop"
  | "policy"
  | "request"
  | "refusal"
  | "vote"
  | "state"
  | "escalation"
  | "edit"
  | "revocation"
  | "resolution"
  | "lock"
  | "grant"
  | "delegation"
  | "review"
  | "reminder"
  | "evidence"
  | "intent"
  | "outcome"
  /** Allowed operations of one connection that share a record. */
  | "statements"
  /** A recorded session: its beginning, what happened in it, its end. */
  | "session.started"
  | "session.part"
  | "session.ended"
  | "sign-in";

/** What records are about that stand until others take it back. There are few of them. */
export const standingTypes: ReadonlySet<RecordType> = new Set(["lock", "review"]);

/** What a writer says; the log adds version, log name, sequence, previous hash and payload commitment. */
export interface RecordDraft {
  readonly type: RecordType;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Request or call id. */
  readonly request?: string;
  /** Action digest, `sha256:<hex>`. */
  readonly action?: string;
  readonly principal?: { readonly issuer: string; readonly subject: string; readonly groups: readonly string[] };
  readonly resource?: string;
  /** Policy digest, `sha256:<hex>`. */
  readonly policy?: string;
  /** What is particular to the type: a decision, a vote, a state change, a target's transaction id, an outcome. Holds no secret and no payload. */
  readonly detail?: Json;
  /** Statement text, parameters or output: stored beside the record, encrypted and erasable; the record holds its salted hash. */
  readonly payload?: Uint8Array;
}

/**
 * `durable`: on disk before the append resolves. `handed-over`: given to the operating system (survives the death of the process), on disk
 * within 100 ms.
 */
export type Durability = "durable" | "handed-over";

/** Proof that a record is in the log. */
export interface LogReceipt {
  /** Zero-based. */
  readonly index: number;
  /** The exact bytes of the record. */
  readonly record: Uint8Array;
  /** RFC 6962 audit path, 32 bytes each. */
  readonly proof: readonly Uint8Array[];
  /** Signed tree head, C2SP tlog-checkpoint. */
  readonly checkpoint: string;
}

/** An intent that has no outcome record; or the beginning of a session that is no request of its own, and has no end. */
export interface OpenIntent {
  readonly request: string;
  readonly record: Uint8Array;
}

/** The audit log as a writer sees it. Implemented in-process and, later, over gRPC. */
export interface AuditLog {
  /**
   * Appends records in order and resolves once they have the durability asked for.
   *
   * @throws {AuditError} `unavailable`: nothing may be dispatched. The records are not in the log, unless they were stored and could only not
   * be synced. `invalid_record`: a draft cannot be a record.
   */
  append(writer: string, drafts: readonly RecordDraft[], durability: Durability): Promise<readonly LogReceipt[]>;
  /**
   * The writer's intents without an outcome, oldest first: what a crash left in doubt. Also the beginnings of sessions without an end that have no intent.
   */
  openIntents(writer: string): Promise<readonly OpenIntent[]>;
  /** Exact bytes of the records about a request or call, in order. */
  recordsOf(request: string): Promise<readonly Uint8Array[]>;
  /** Exact bytes of the records about what stands until it is taken back, {@link standingTypes}, in order. */
  standing(): Promise<readonly Uint8Array[]>;
}
