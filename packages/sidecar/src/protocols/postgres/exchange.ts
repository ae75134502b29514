import type { DatabaseError } from "pg-protocol";
import type { Field } from "pg-protocol/dist/messages.js";

/** The session's state as ReadyForQuery tells it: idle, in a transaction, in a failed transaction. */
export type TransactionStatus = "I" | "T" | "E";

/** Takes the result of one exchange as it comes. */
export interface Receiver {
  columns?(fields: readonly Field[]): void;
  /** Concatenated DataRow bodies; the receiver owns `data`. */
  rows?(data: Buffer, count: number): void;
  /** A larger row is not even received, bytes. */
  readonly maxRowBytes?: number;
}

/** How the server answered one exchange. */
export interface Reply {
  readonly status: TransactionStatus;
  /** The last CommandComplete. */
  readonly tag?: string;
  readonly error?: DatabaseError;
  /** The statement wanted to copy data over this connection, which was refused. */
  readonly copy?: boolean;
  /** There was no statement in the text. */
  readonly empty?: boolean;
  /** A row above the cap, bytes: nothing after it was read, and the connection is of no use any more. */
  readonly oversizedRow?: number;
}
