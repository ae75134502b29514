import { AuditError } from "../audit-error.ts";
import { leafHash } from "../hash.ts";
import type { LogReceipt } from "../record.ts";
import { type LogKey, openCheckpoint } from "./note.ts";
import { verifyInclusion } from "./proof.ts";
import { type ParsedRecord, parseRecord } from "./record.ts";

/**
 * Verifies a receipt: the log's key signed a tree that has this record at this place.
 *
 * @returns the record.
 * @throws {AuditError} `malformed`, with what does not hold.
 */
export function verifyReceipt(receipt: LogReceipt, key: LogKey): ParsedRecord {
  const head = openCheckpoint(receipt.checkpoint, key);
  if (!verifyInclusion(leafHash(receipt.record), receipt.index, receipt.proof, head.size, head.root)) {
    const message = `The receipt does not hold: this record is not at index ${receipt.index} of the log of ${head.size} records that its checkpoint signs.`;
    throw new AuditError("malformed", message);
  }
  const record = parseRecord(receipt.record);
  if (typeof record === "string") throw new AuditError("malformed", `The receipt's record is not one: ${record}.`);
  if (record.log !== key.origin)
    throw new AuditError("malformed", `The receipt's record was written for the log "${record.log}".`);
  return record;
}
