import type { NativeGate } from "../../../native/native-gate.ts";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { Lent, LentHandler, ParameterStatuses } from "../lent.ts";

/** The client's side of a connection: messages to it, as bytes. */
export interface ClientSide {
  /** Several buffers go in one system call; `false` = wait for `drained`. */
  write(bytes: Buffer | readonly Buffer[]): boolean;
  /** Whether nothing that was written is still to be sent: the buffers may be used for something else. */
  readonly sent: boolean;
  /** Stops reading from the client. A client that leaves is not noticed meanwhile. */
  pause(): void;
  resume(): void;
  /** Sends what is left and closes. */
  end(last?: Buffer): void;
}

/** What a gate is made from. Between start-up and its first byte nothing has come from the client. */
export interface ClientGateParts {
  /** Enters the connection at the guard. Called once, by the gate's constructor. */
  readonly native: (own: OwnConnection) => NativeGate;
  readonly client: ClientSide;
  /** Unguessable; what `PostgresQuery.connection.id` holds. */
  readonly connection: string;
  /**
   * Borrows a session of the role, with the settings that the client asked for at start-up. What it reports differently from the greeting
   * has been told to the client when this resolves.
   *
   * @throws {CountersignError} `target_unavailable` (also when all are lent for too long), `target_credentials`, `too_many_requests`, `cancelled`.
   */
  readonly upstream: (handler: LentHandler, signal: AbortSignal) => Promise<Lent>;
  /** What the client was greeted with. */
  readonly statuses: ParameterStatuses;
  /** The settings that the client asked for at start-up by name, without application_name. */
  readonly settings: Readonly<Record<string, string>>;
  /** Of the resource. */
  readonly holdInTransaction: "allow" | "warn" | "refuse";
  readonly protocol: { readonly major: 3; readonly minor: number };
}

/** What the listener needs of what follows start-up: the frames of one client's connection. Never throws for what a client sent. */
export interface ClientGate {
  /** Bytes of the client, not split; the gate owns them. */
  receive(chunk: Buffer): void;
  /** A CancelRequest came with this connection's key. */
  cancel(): void;
  /** What `write` could not send at once has been sent. */
  drained(): void;
  /** The client has gone: gives the session back and lets go of what is held. Called once, last. */
  gone(): void;
  /** The sidecar stops: says so (57P01) when nothing runs any more, and ends the client's side. */
  drain(): Promise<void>;
}

/** Makes the gate of one connection whose client has been told that it may ask (ReadyForQuery). */
export type OpenClientGate = (parts: ClientGateParts) => ClientGate;
