import type { ClientGateParts } from "../entry/client-gate.ts";
import type { Flushing } from "./outgoing.ts";

/** Bounds of one client's connection, and what it is told while it waits. */
export interface GateBounds {
  /** The largest statement, bytes. */
  readonly statementBytes: number;
  /** All bind values of one Bind together, bytes. */
  readonly parameterBytes: number;
  /** What a client may send on while an operation of its own is held, bytes. */
  readonly heldBytes: number;
  /** Data of a COPY that is captured for its approvers, bytes. */
  readonly copyBytes: number;
  /** How often a waiting client is told that it waits, milliseconds; 0 = once. */
  readonly noticeMs: number;
  /** An operation that has to wait inside of a transaction, which may hold locks. */
  readonly holdInTransaction: "allow" | "warn" | "refuse";
}

/** What every gate of a listener shares. */
export interface GateHost {
  readonly bounds: GateBounds;
  readonly journal: Flushing;
  /** Milliseconds. */
  readonly now: () => number;
  readonly onInternalError: (error: unknown) => void;
}

/** What one gate is made from. */
export interface GateParts extends ClientGateParts, GateHost {}

/** Bounds that suit most. */
export const defaultGateBounds: GateBounds = {
  statementBytes: 1024 * 1024,
  parameterBytes: 4 * 1024 * 1024,
  heldBytes: 1024 * 1024,
  copyBytes: 1024 * 1024,
  noticeMs: 0,
  holdInTransaction: "warn",
};
