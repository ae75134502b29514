import type { Evidence } from "@countersign/policy";

/**
 * Where evidence lives, sealed with the id of its request, which must be stored. A write is on disk when it resolves.
 *
 * Every method throws {@link CountersignError} `control_plane_unavailable` when the store cannot be used, with nothing changed, and
 * `internal` when what is stored was altered from outside.
 */
export interface EvidenceStore {
  /** `taken` when the request has evidence already: what people have seen does not change. */
  insert(requestId: string, evidence: Evidence): Promise<"inserted" | "taken">;
  get(requestId: string): Promise<Evidence | undefined>;
}
