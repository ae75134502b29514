import type { Evidence, EvidenceKind, Facts, Hide, Operation } from "@countersign/policy";

/** What is to be found out about a held operation. */
export interface EvidenceWish {
  readonly kind: Exclude<EvidenceKind, "locks">;
  readonly operation: Operation;
  readonly facts: Facts;
  /** The role that it would run with. */
  readonly role: string;
  /** How values are shown that nobody is shown. */
  readonly hide: Hide;
}

/** What a target can tell about an operation without doing it. The seam of every protocol that can tell anything. */
export interface EvidenceSource {
  /**
   * Finds out what it can; what it cannot is said in `failure`. Never throws for what the target answers. Once `signal` is aborted it lets go of
   * the target at once.
   */
  gather(wish: EvidenceWish, signal: AbortSignal): Promise<Omit<Evidence, "timeMs">>;
}
