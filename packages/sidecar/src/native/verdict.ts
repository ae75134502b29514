import type { Allow, ErrorCode, Facts, Review } from "@countersign/policy";
import type { Asked } from "../asking.ts";
import type { Passage } from "./passage.ts";

/** What becomes of an operation of an unmodified client. */
export type Verdict = Pass | Held | Refused;

/** Policy lets it run; it is noted already. */
export interface Pass {
  readonly effect: "pass";
  readonly decision: Allow;
  readonly facts: Facts;
  readonly readOnly: boolean;
  readonly passage: Passage;
}

/** A person has to agree. */
export interface Held {
  readonly effect: "hold";
  readonly asked: Asked;
  readonly decision: Review;
}

/** It does not run, and that is recorded. */
export interface Refused {
  readonly effect: "refuse";
  readonly code: ErrorCode;
  /** For the client, in plain words. */
  readonly message: string;
  /** Ids of the rules that denied it; empty when it was refused for another reason, or no rule matched. */
  readonly rules: readonly string[];
  /** Under which it is recorded. */
  readonly requestId: string;
  readonly retryable: boolean;
}
