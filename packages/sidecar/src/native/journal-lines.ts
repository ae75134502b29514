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

import type { RowEnd, SharedRecord } from "./shared-record.ts";

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

/** How a passage ended, as text: it stands in the journal and in the payload. */
export interface EndText {
  readonly figures: string;
  readonly words: string;
}

export function endText({ durationMs, rows, bytes, state, targetCode, commandTag }: RowEnd): EndText {
  const figures = `${millisecondsText(durationMs)},${rows},${bytes},"${state}"`;
  if (targetCode === undefined && commandTag === undefined) return { figures, words: "" };
  const code = targetCode === undefined ? "null" : JSON.stringify(targetCode);
  return { figures, words: commandTag === undefined ? `,${code}` : `,${code},${JSON.stringify(commandTag)}` };
}

/** Three decimals are enough, and keep lines short. Of integers: as text a fraction takes ten times as long (measured). */
function millisecondsText(ms: number): string {
  const us = Math.round(ms * 1000);
  const whole = Math.floor(us / 1000);
  return `${whole}${decimals[us - 1000 * whole]}`;
}

/** By thousandths; none where there is nothing to say. */
const decimals = Array.from({ length: 1000 }, (_, thousandths) => String(thousandths / 1000).slice(1));

export function endLine(serial: number, n: number, { figures, words }: EndText): string {
  return `["end",${serial},${n},${figures}${words}]\n`;
}

/** A passage in its record's payload. */
export function rowText({ n, operation, at, parameters }: RowStart, { figures, words }: EndText): string {
  return `[${n},${operation},${at},${figures},${parameters}${words}]`;
}

/** All of a record as it stands, but the passages that run. */
export function recordLines(record: SharedRecord): string {
  const { serial } = record;
  return `${openLine(record)}["operations",${serial},${record.operations()}]\n["rows",${serial},${record.rows()}]\n`;
}
