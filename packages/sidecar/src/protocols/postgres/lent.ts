import type { Json, PostgresQuery } from "@countersign/policy";
import type { HeldLocks } from "../../native/own-connection.ts";
import type { TransactionStatus } from "./exchange.ts";
import type { Masking } from "./masks/masking.ts";

/** Reported settings of a session by name (ParameterStatus, §53.2.7). */
export type ParameterStatuses = ReadonlyMap<string, string>;

/**
 * Finds out how an operation's result is masked, on another session of the same database.
 *
 * @throws {CountersignError} `denied` when a mask names a column that its table does not have; when the database cannot be asked.
 */
export type MaskingOf = (operation: PostgresQuery, masks: readonly string[]) => Promise<Masking>;

/** Takes what a lent session does. Called in the turn in which it happens. */
export interface LentHandler {
  /** Bytes of the server as they came, not split. Gives whether they were only looked at in this call: otherwise the handler owns them. */
  data(chunk: Buffer): boolean;
  /** What `write` could not send at once has been sent. */
  drained(): void;
  /** The server, or the network, has ended the connection; nothing follows but `giveBack`. Not called after it. */
  closed(error?: Error): void;
}

/** What the next user of a session may find of this one: nothing may have changed, DISCARD ALL takes it back, or nothing takes it back. */
export type GivenBack = "keep" | "reset" | "end";

/**
 * A session of the database that serves one client's connection: its pins are checked, it is idle and in no transaction, and its bytes pass as they
 * are. Whoever has it keeps the protocol: what is written is whole messages, and what comes is read to the end.
 */
export interface Lent {
  /** What the server reported at its start, canonical; compare it with what the client was greeted with. */
  readonly statuses: ParameterStatuses;
  /** The server's major version, e.g. 18. */
  readonly version: number;
  readonly masking: MaskingOf;
  /** Whether reading these (`sql.reads`) is known to run nothing that could change the session's settings. */
  arePlain(reads: readonly string[]): boolean;
  /** By what the target is asked later what became of a transaction of this session. */
  marker(xid: string): Json;
  /** What its open transaction holds, asked on another connection while this one is lent. */
  locks(signal: AbortSignal): Promise<HeldLocks>;
  /** Sends bytes in order, several buffers in one system call; `false` = wait for `drained` before the next. */
  write(bytes: Buffer | readonly Buffer[]): boolean;
  /** Stops reading, so that the server has to wait. */
  pause(): void;
  resume(): void;
  /** Asks the server to stop what it does (CancelRequest); resolves when the server has taken it, rejects when it cannot be asked. */
  cancel(): Promise<void>;
  /** Whether a ParameterStatus shows that the text of statements is not read any more as it is classified. Then the session must end. */
  drifted(name: string, value: string): boolean;
  /**
   * Reads the pins again, for when something ran that may have changed them. Only while the server is ready for a query and not in a failed
   * transaction. It takes no snapshot and touches neither the unnamed statement nor the unnamed portal. What the server says in the meantime
   * without being asked (notifications, notices) goes to the handler.
   *
   * @throws {CountersignError} `target_unavailable` when one has changed: the session must end.
   */
  checkPins(): Promise<void>;
  /**
   * Gives it back; nothing may be used after it.
   *
   * @param status of the last ReadyForQuery when every answer has been read, whose transaction is then rolled back; `busy` when something
   *   still runs: it is cancelled, and the connection ends.
   */
  giveBack(afterwards: GivenBack, status: TransactionStatus | "busy"): void;
}
