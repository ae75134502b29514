import type { AuditLog } from "@countersign/audit";
import type { EvidenceBook, GrantBook, RequestBook, Revocations } from "@countersign/policy";

/** All that a sidecar knows of the control plane. The composition root picks the implementation. */
export interface ControlPlane {
  readonly requests: RequestBook;
  readonly audit: AuditLog;
  readonly revocations: Revocations;
  readonly grants: GrantBook;
  readonly evidence: EvidenceBook;
}
