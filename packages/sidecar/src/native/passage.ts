import type { AuditError } from "@countersign/audit";
import type { Allow, LineOperation, Principal } from "@countersign/policy";

/** Whose passages share records: one client's connection, as one principal to one resource. */
export interface PassageConnection {
  /** Unguessable, never used again. */
  readonly connection: string;
  readonly principal: Principal;
  readonly resource: string;
  /** What the client calls itself; untrusted. */
  readonly session: string;
  /** Why it asks, in the client's own words; untrusted. */
  readonly reason: string;
}

/** An allowed operation that is about to be sent. */
export interface PassageStart {
  readonly operation: LineOperation;
  readonly decision: Allow;
  /** Classification found that it only reads. */
  readonly readOnly: boolean;
}

/** How an operation ended, as the target said it. */
export interface PassageEnd {
  /** `unsent`: nothing of it went to the target, because its client left or the audit failed. */
  readonly state: "succeeded" | "failed" | "unknown" | "unsent";
  readonly rows: number;
  /** Of the result, as they were passed on. */
  readonly bytes: number;
  readonly durationMs: number;
  /** Why it failed, in the target's words for programs (the SQLSTATE) or, where it has none, in ours. */
  readonly targetCode?: string | undefined;
  /** What the target said that it did: PostgreSQL's CommandComplete, the status of an HTTP response. */
  readonly commandTag?: string | undefined;
}

/** One allowed operation on its way. Ends exactly once: what comes after is not heard. */
export interface Passage {
  /** The id of the record in which it is. */
  readonly request: string;
  /**
   * Undefined: it may be sent when {@link FlushWaiting.flushed} is called. A promise (what may write, and strict audit): when that is
   * fulfilled, and not before; rejected, nothing may be sent, and the passage has ended as `unsent`.
   */
  readonly ready: Promise<void> | undefined;
  end(how: PassageEnd): void;
}

/** Somebody who has noted passages in this turn of the event loop, and waits to send them. */
export interface FlushWaiting {
  /** Everything that was noted so far is with the operating system: it survives the death of this process. */
  flushed(): void;
  /** It could not be written: nothing may be sent. The passages that were noted in this turn have ended as `unsent`. */
  refused(error: AuditError): void;
}

/** The passages of one connection. */
export interface Passages {
  /**
   * Notes an allowed operation that is about to be sent; see {@link Passage.ready} for when it may be.
   *
   * @throws {AuditError} `unavailable`: it is not noted, and nothing may be sent.
   */
  begin(what: PassageStart): Passage;
  /** The connection has ended: what of it has not ended is in doubt. Resolves when all of it is in the audit log. */
  close(): Promise<void>;
}

/** Begins to note the passages of a connection. */
export type OpenPassages = (connection: PassageConnection) => Passages;
