import type { Guard } from "../guard.ts";
import type { Tokens } from "../identity/tokens.ts";
import type { Resources } from "../resources.ts";
import type { Recording } from "../sessions/recording.ts";
import type { SessionAbout } from "../sessions/session-records.ts";
import type { FailedLogins } from "./failed-logins.ts";
import type { Journal } from "./journal.ts";

/** What a listener for unmodified clients has of the sidecar. */
export interface NativeHost {
  readonly guard: Pick<Guard, "native" | "execute" | "watch">;
  readonly resources: Resources;
  readonly tokens: Pick<Tokens, "verify">;
  /** Told of every client that is not let in. */
  readonly failedLogins: Pick<FailedLogins, "note">;
  /** A connection asks it when what was allowed may be sent. */
  readonly journal: Pick<Journal, "afterFlush">;
  /**
   * Begins the recording of a session that is no request of its own; whoever begins it ends it.
   *
   * @throws {AuditError} `unavailable`: the session must not begin.
   */
  readonly record: (about: SessionAbout) => Promise<Recording>;
  readonly approvalUrl: (id: string) => string;
  readonly now: () => number;
  /** Unguessable bytes, each given out once. */
  readonly random: (size: number) => Buffer;
  readonly onInternalError: (error: unknown) => void;
}

/** An open way in for unmodified clients of one protocol. */
export interface NativeListener {
  /** What a client dials: `host:port`, or `unix:///…`. */
  readonly address: string;
  /** Refuses new clients, lets what runs end within the grace, milliseconds, then cuts it. */
  close(graceMs: number): Promise<void>;
}

/**
 * Opens a listener. The composition root makes one for each that is configured.
 *
 * @throws {CountersignError} `invalid_request` when the address cannot be used.
 */
export type OpenNative = (host: NativeHost) => Promise<NativeListener>;
