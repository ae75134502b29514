/**
 * What is in a journal's frames: JSON lists, one a line. `serial` names a record within its process; `n` a passage within its record.
 *
 *     ["open", serial, id, part, openedMs, terms]     a record, or once more all that is known of one
 *     ["operations", serial, [operation, …]]          the operations of its passages so far, without their parameters, each once
 *     ["begin", serial, n, index, at, parameters, operation?]
 *                                                     may be sent once this line is with the operating system; `operation` if it is a new one
 *     ["end", serial, n, duration, rows, bytes, state, code?, tag?]
 *     ["rows", serial, [row, …]]                      passages that have ended, as they are in the record's payload
 *
 * A row: `[n, operation, at, duration, rows, bytes, state, parameters, code?, tag?]`; times in milliseconds, `at` from the record's opening.
 */

import type { PassageEnd } from "./passage.ts";
import type { PassageState, SharedRecord } from "./shared-record.ts";

/** What a passage's row begins with: its number, its operation's index and its time, then its parameters as JSON. */
export interface RowStart {
  readonly n: number;
  readonly operation: number;
  readonly at: number;
  readonly parameters: string;
}

export function openLine({ serial, id, part, openedMs, terms }: SharedRecord): string {
  return `${JSON.stringify(["open", serial, id, part, openedMs, terms])}\n`;
}

/** @param operation as JSON, when it is a new one in its record. */
export function beginLine(serial: number, { n, operation: index, at, parameters }: RowStart, operation = ""): string {
  return `["begin",${serial},${n},${index},${at},${parameters}${operation && ","}${operation}]\n`;
}

export function endLine(serial: number, n: number, how: PassageEnd): string {
  return `["end",${serial},${n},${microseconds(how.durationMs)},${how.rows},${how.bytes},"${how.state}"${tail(how)}]\n`;
}

/** A passage in its record's payload. */
export function rowText(
  { n, operation, at, parameters }: RowStart,
  how: Omit<PassageEnd, "state"> & { readonly state: PassageState },
): string {
  return `[${n},${operation},${at},${microseconds(how.durationMs)},${how.rows},${how.bytes},"${how.state}",${parameters}${tail(how)}]`;
}

/** All of a record as it stands, but the passages that run. */
export function recordLines(record: SharedRecord): string {
  const { serial } = record;
  return `${openLine(record)}["operations",${serial},${record.operations()}]\n["rows",${serial},${record.rows()}]\n`;
}

function tail({ targetCode, commandTag }: Pick<PassageEnd, "targetCode" | "commandTag">): string {
  if (targetCode === undefined && commandTag === undefined) return "";
  const code = targetCode === undefined ? "null" : JSON.stringify(targetCode);
  return commandTag === undefined ? `,${code}` : `,${code},${JSON.stringify(commandTag)}`;
}

/** Three decimals are enough, and keep lines short. */
function microseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
