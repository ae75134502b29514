import type { Guard } from "../guard.ts";
import type { Tokens } from "../identity/tokens.ts";
import type { Resources } from "../resources.ts";
import type { Journal } from "./journal.ts";

/** What a listener for unmodified clients has of the sidecar. */
export interface NativeHost {
  readonly guard: Pick<Guard, "native" | "execute">;
  readonly resources: Resources;
  readonly tokens: Pick<Tokens, "verify">;
  /** A connection asks it when what was allowed may be sent. */
  readonly journal: Pick<Journal, "afterFlush">;
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
