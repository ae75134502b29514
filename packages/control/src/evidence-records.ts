import { randomBytes } from "node:crypto";
import type { RecordDraft } from "@countersign/audit";
import { canonicalDigest, type Digest, type Evidence, type EvidenceKind, type Json } from "@countersign/policy";
import { about } from "./records.ts";
import type { RequestOverview } from "./stores/request-store.ts";

/** A sidecar goes to find out what a request would do; for an effect it uses the credential that the request is for. */
export function gatheringRecord(request: RequestOverview, kind: EvidenceKind, timeMs: number): RecordDraft {
  const { role, target } = request.action;
  return { type: "evidence", timeMs, ...about(request), detail: { what: "gathering", kind, role, target: { ...target } } };
}

/**
 * What it found. The values are the payload, encrypted and erasable. The digest is over them and a nonce that goes with them: a plain digest
 * would let erased values be guessed.
 */
export function evidenceRecord(request: RequestOverview, evidence: Evidence, timeMs: number): RecordDraft {
  const found = { nonce: randomBytes(16).toString("base64url"), evidence: jsonOf(evidence) };
  const digest: Digest = canonicalDigest("countersign/evidence/v1", found);
  const detail = { what: "found", kind: evidence.kind, failed: evidence.failure !== undefined, digest };
  return { type: "evidence", timeMs, ...about(request), detail, payload: Buffer.from(JSON.stringify(found)) };
}

/** Without what is absent. */
function jsonOf(evidence: Evidence): Json {
  return JSON.parse(JSON.stringify(evidence));
}
