/**
 * Audit records, the Merkle log over them, checkpoints, proofs and the offline verifier. Pure but for one store interface.
 *
 * @packageDocumentation
 */

export * from "./record.ts";
