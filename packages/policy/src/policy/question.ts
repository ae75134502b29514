import type { Principal } from "../action.ts";
import type { Facts } from "../facts.ts";

/** What policy is asked about. */
export interface Question {
  readonly resource: {
    readonly name: string;
    readonly type: string;
    readonly labels: Readonly<Record<string, string>>;
    /** The names of its roles. */
    readonly roles: readonly string[];
  };
  readonly principal: Principal;
  /** The role that the caller asked for, e.g. a native client's user name; absent or empty = none. It never chooses: it can only not fit. */
  readonly role?: string;
  readonly facts: Facts;
  /** The agent's own words; untrusted, may be empty. */
  readonly reason: string;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}
