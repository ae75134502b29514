import type { Held } from "../../../native/verdict.ts";
import type { HeldWork } from "./holding.ts";

/** What a gate does for the protocols beyond its conversation. */
export interface Gatekeeper {
  /** Asks the session whether it is as it was, then goes on; otherwise the connection ends. */
  check(next: () => void): void;
  /** Lets an operation wait for its approvers. */
  hold(verdict: Held, work: HeldWork): void;
  /** Takes the data of a COPY from the client before anybody is asked. */
  capture(work: CaptureWork): void;
}

/** A COPY … FROM STDIN that needs an approver. */
export interface CaptureWork {
  readonly binary: boolean;
  /** How many are named; 0 = all of the table. */
  readonly columns: number;
  captured(data: Buffer): void;
  /** The client gave it up, or there is more of it than is captured. */
  failed(sqlstate: string, message: string): void;
}
