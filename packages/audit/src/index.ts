/**
 * Audit records, the Merkle log over them, checkpoints, proofs and the offline verifier. Pure but for one store interface.
 *
 * @packageDocumentation
 */

export * from "./audit-error.ts";
export type { Json } from "./canonical.ts";
export { verifierKeyText } from "./checkpoint.ts";
export { type PayloadCommitment, payloadHash, SALT_SIZE } from "./commitment.ts";
export { hashText } from "./hash.ts";
export { type Log, type LogOptions, openLog, type SealedPayload } from "./log.ts";
export type * from "./log-store.ts";
export * from "./record.ts";
export { MAX_RECORD_SIZE } from "./record-bytes.ts";
