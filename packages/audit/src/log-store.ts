import type { OpenIntent, RecordType } from "./record.ts";
import type { Tile } from "./tile.ts";

/** A record on its way to the store. */
export interface LogEntry {
  /** Zero-based place in the log. */
  readonly index: number;
  /** Exact bytes of the record. */
  readonly bytes: Uint8Array;
  /** RFC 6962 leaf hash of the bytes. */
  readonly leaf: Uint8Array;
  readonly writer: string;
  readonly type: RecordType;
  readonly request: string | undefined;
  /** The sealed payload, opaque to the log. */
  readonly payload: Uint8Array | undefined;
}

/** Where a writer stands. */
export interface WriterHead {
  readonly writer: string;
  /** Sequence of its newest record, from 1. */
  readonly sequence: number;
  /** Leaf hash of its newest record. */
  readonly leaf: Uint8Array;
}

/** What is stored in one step, or not at all. */
export interface LogBatch {
  /** In order, without gaps. */
  readonly entries: readonly LogEntry[];
  /** Tiles that became full, and those of levels 1 and up that grew. A tile stored before under the same level and index is replaced. */
  readonly tiles: readonly Tile[];
  /** Heads to keep. Given only when a tile of level 0 became full: newer ones are read from the records after it. */
  readonly writers: readonly WriterHead[];
  /** Signed tree head over everything up to the last entry. */
  readonly checkpoint: string;
}

/** What a store holds when it is opened. */
export interface LogState {
  readonly size: number;
  /** The newest checkpoint; undefined exactly when `size` is 0. */
  readonly checkpoint: string | undefined;
  /** The incomplete, non-empty tiles of levels 1 and up. */
  readonly tiles: readonly Tile[];
  /** The records after the last full tile of level 0. */
  readonly tail: readonly Uint8Array[];
  /** The heads kept last. */
  readonly writers: readonly WriterHead[];
}

/** Where a log lives. All methods fail with {@link AuditError}. */
export interface LogStore {
  load(): Promise<LogState>;
  /**
   * Stores a batch atomically and hands it to the operating system. On failure nothing of it is stored. After a failed {@link sync} it
   * refuses until what was stored before is safely on disk.
   */
  commit(batch: LogBatch): Promise<void>;
  /** Resolves once everything committed before the call is on disk. */
  sync(): Promise<void>;
  /** Intents of a writer without an outcome, oldest first. */
  openIntents(writer: string): Promise<readonly OpenIntent[]>;
  /** Exact bytes of the records about a request or call, in order. */
  recordsOf(request: string): Promise<readonly Uint8Array[]>;
  /** Exact bytes of the records of `standingTypes`, in order. */
  standing(): Promise<readonly Uint8Array[]>;
}
