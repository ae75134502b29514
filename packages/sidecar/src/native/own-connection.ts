import type { Principal } from "@countersign/policy";
import type { Connector } from "../protocols/connector.ts";

/** What the open transaction of a client keeps from others. */
export interface HeldLocks {
  /** The strongest first, one in a line. */
  readonly locks: readonly string[];
  /** Why it could not be found out. */
  readonly failure?: string;
}

/** One connection of an unmodified client, which runs what it asks for on itself: its transaction and its settings are there. */
export interface OwnConnection extends Pick<Connector, "dispatch"> {
  /** It hides the values of masked columns. Without it nothing runs for which the policy masks any. */
  readonly masks?: true;
  /** Refuses at once what could never be dispatched, as `Connector.accept`; absent = it refuses nothing. */
  readonly accept?: Connector["accept"];
  /** The major version of the server that it runs on, where that is certain: what only newer ones know is not known otherwise. */
  readonly serverVersion?: number | undefined;
  /** What its open transaction holds, for approvers of what waits in it. Never rejects. Absent = nobody is to be told. */
  readonly locks?: (signal: AbortSignal) => Promise<HeldLocks>;
  /** Asks what runs to stop, tells the client why and closes: it was locked out, or the sidecar stops. In the very turn of the revocation. */
  cut(reason: string): void;
}

/** Whose connection it is and what it is for. Nothing of it changes while it is open. */
export interface NativeCaller {
  /** Unguessable; see `ClientConnection`. */
  readonly connection: string;
  readonly principal: Principal;
  readonly resource: string;
  /** Undefined = policy's choice. */
  readonly role: string | undefined;
  /** The client's own words about itself, e.g. `application_name`; untrusted. */
  readonly session: string;
  /** Why it asks, in its own words, where its protocol has a place for that; untrusted. */
  readonly reason: string;
  /** Everything that it asks counts against what its caller may ask in a minute; absent = what is allowed at once does not. */
  readonly counted?: true;
}
