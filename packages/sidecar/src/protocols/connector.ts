import type { Facts, Json, Limits, Operation, Outcome, TargetIdentity } from "@countersign/policy";
import type { Column } from "@countersign/rpc";
import type { Recording } from "../sessions/recording.ts";
import type { SessionAbout } from "../sessions/session-records.ts";

/** A part of a result on its way to the caller. */
export type ResultChunk =
  | { readonly type: "columns"; readonly columns: readonly Column[] }
  /** Concatenated DataRow bodies, see `Rows` in agent.proto. */
  | { readonly type: "rows"; readonly data: Uint8Array; readonly count: number }
  /** What a command writes, or a file holds. */
  | { readonly type: "output"; readonly stream: "stdout" | "stderr"; readonly data: Uint8Array }
  /** The head of an HTTP response; what the agent must not see is taken out before. */
  | { readonly type: "response"; readonly status: number; readonly headers: readonly (readonly [name: string, value: string])[] }
  /** A part of its body. */
  | { readonly type: "body"; readonly data: Uint8Array };

/** Takes chunks; a promise means: wait for it before the next (backpressure). */
export type ResultSink = (chunk: ResultChunk) => void | Promise<void>;

/**
 * One dispatch. The guard calls `prepare`, makes the intent durable with the marker, then calls `run`. `close` always follows.
 */
export interface Dispatch {
  /**
   * Connects and, where the target can tell later what happened, gives the marker to ask by. Nothing of the operation is sent.
   *
   * @throws {CountersignError} why it cannot be sent: `target_unavailable`, `target_credentials`, `invalid_operation`, …
   */
  prepare(): Promise<Json>;
  /** Sends the operation and streams its result. Never throws for what the target answers: that is the outcome. */
  run(sink: ResultSink): Promise<Outcome>;
  /** Gives the connection back, or ends it when its state is in doubt. */
  close(): Promise<void>;
}

/** One resource's way to its target. The seam of every protocol. */
export interface Connector {
  /** What is approved along with the operation: address, database, login of the role, TLS mode, trust anchor. */
  target(role: string): TargetIdentity;
  /**
   * Refuses at once what could never be dispatched, before a person is asked to approve it.
   *
   * @throws {CountersignError} `invalid_operation`.
   */
  accept(operation: Operation, facts: Facts): void;
  /** Starts a dispatch. `signal` asks for a stop: best effort, the outcome says what truly happened. */
  dispatch(operation: Operation, role: string, limits: Limits, options: DispatchOptions): Dispatch;
  /**
   * What became of a dispatch that is in doubt; `unknown` when the target can never tell (also for a null marker).
   *
   * @throws {CountersignError} when the target cannot be asked now, or cannot tell yet: it is asked again.
   */
  resolve(marker: Json, role: string, signal?: AbortSignal): Promise<Outcome>;
  /** Ends idle connections; waits for nothing that is running. */
  close(): Promise<void>;
  /** Absent = the words of its operations say all that they mean. */
  readonly pinning?: Pinning;
}

/** Finds out what operations mean on the target when they are asked for, where their words alone do not say it: what is approved is that. */
export interface Pinning {
  /** What an operation does not say yet, in words; undefined = it is exact. */
  lacks(operation: Operation, facts: Facts): string | undefined;
  /**
   * The same operation with all that it lacks, found out with the credential of the role that policy would use. It is classified and decided about anew.
   *
   * @throws {CountersignError} when that cannot be found out: the operation is refused.
   */
  complete(operation: Operation, role: string, signal: AbortSignal): Promise<Operation>;
}

/** How a dispatch is made. */
export interface DispatchOptions {
  readonly signal: AbortSignal;
  /** Whether classification found that the operation only reads: then no transaction marker is needed. */
  readonly readOnly: boolean;
  /** Begins the recording of a session, once at most. Whoever dispatches ends it when {@link Dispatch.run} has resolved; without it no session begins. */
  readonly record?: RecordSession;
}

/**
 * Begins a recording.
 *
 * @throws {AuditError} `unavailable`: the session must not begin.
 */
export type RecordSession = (session: Pick<SessionAbout, "kind" | "title" | "size">) => Promise<Recording>;
