import { ProtocolViolation } from "../codec.ts";
import type { ColumnMask } from "./masking.ts";

const shown = Buffer.from("****");

/**
 * Concatenated DataRow bodies with the values of masked columns replaced; NULL stays NULL.
 *
 * @throws {ProtocolViolation} when a row has other columns than were described, or its lengths lead out of the data.
 */
export function maskedRows(data: Buffer, count: number, masks: readonly ColumnMask[]): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  for (let row = 0; row < count; row++) offset = maskRow(data, offset, masks, parts);
  return Buffer.concat(parts);
}

/** Adds one row's parts; gives where it ends. */
function maskRow(data: Buffer, start: number, masks: readonly ColumnMask[], parts: Buffer[]): number {
  try {
    if (data.readUInt16BE(start) !== masks.length) throw new ProtocolViolation("The server sent a row of another shape");
    let [kept, offset] = [start, start + 2];
    for (const mask of masks) {
      const length = data.readInt32BE(offset);
      const end = offset + 4 + Math.max(length, 0);
      if (end > data.length) throw new ProtocolViolation("The server sent a malformed row");
      if (mask !== "pass" && length >= 0) {
        parts.push(data.subarray(kept, offset), mask === "text" ? shownValue : nullValue);
        kept = end;
      }
      offset = end;
    }
    parts.push(data.subarray(kept, offset));
    return offset;
  } catch (error) {
    if (error instanceof RangeError) throw new ProtocolViolation("The server sent a malformed row", { cause: error });
    throw error;
  }
}

const nullValue = Buffer.from([0xff, 0xff, 0xff, 0xff]);
const shownValue = Buffer.concat([Buffer.from([0, 0, 0, shown.length]), shown]);
