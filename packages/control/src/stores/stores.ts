import type { EvidenceStore } from "./evidence-store.ts";
import type { RequestStore } from "./request-store.ts";
import type { StandingStore } from "./standing-store.ts";

/** All that a control plane keeps. */
export interface Stores extends AsyncDisposable {
  readonly requests: RequestStore;
  readonly standing: StandingStore;
  readonly evidence: EvidenceStore;
}
