import type { Digest } from "./canonical.ts";
import type { Problem } from "./problem.ts";

/** Which policy is in force, and whether what its files say now could be taken into use. */
export interface PolicyStatus {
  readonly digest: Digest;
  /** The version of the bundle that it came in; absent when it came in files. */
  readonly version?: number;
  /** Since when, milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** How many rules it has. */
  readonly rules: number;
  /** Why what the files say now is not in force; absent = it is. */
  readonly failure?: {
    /** Since when, milliseconds since the Unix epoch. */
    readonly sinceMs: number;
    /** Never empty. */
    readonly problems: readonly Problem[];
  };
  /** What is in force and deserves a look all the same. */
  readonly warnings: readonly Problem[];
}

/** What shows the status on a surface: the current one, and each that follows. */
export interface PolicyStatusFeed {
  readonly status: PolicyStatus;
  /** The current status, then each new one, until the signal aborts. A slow reader gets the newest only. */
  follow(signal: AbortSignal): AsyncIterable<PolicyStatus>;
}
