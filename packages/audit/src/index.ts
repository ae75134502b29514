/**
 * Audit records, the Merkle log over them, checkpoints, proofs and the offline verifier. Pure but for one store interface.
 *
 * @packageDocumentation
 */

export * from "./audit-error.ts";
export type { Json } from "./canonical.ts";
export { logKeyText } from "./checkpoint.ts";
export { type PayloadCommitment, payloadHash, SALT_SIZE } from "./commitment.ts";
export { hashText } from "./hash.ts";
export { type Log, type LogOptions, openLog, type SealedPayload } from "./log.ts";
export type * from "./log-store.ts";
export * from "./record.ts";
export { MAX_RECORD_SIZE } from "./record-bytes.ts";
export { TILE_WIDTH, type Tile, tilePath, tilesOf } from "./tile.ts";
export { type LogKey, openCheckpoint, parseCheckpoint, parseLogKey, type TreeHead } from "./verify/note.ts";
export type { Problem, ProblemKind } from "./verify/problem.ts";
export { verifyConsistency, verifyInclusion } from "./verify/proof.ts";
export { type ParsedRecord, parseRecord } from "./verify/record.ts";
export type { LogSource, SourceRecord } from "./verify/source.ts";
export type { OpenAction } from "./verify/story.ts";
export { type VerifyOptions, type VerifyReport, verifyLog } from "./verify/verify-log.ts";
export { verifyReceipt } from "./verify/verify-receipt.ts";
