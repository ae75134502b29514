import { parseDuration } from "./commands/command.ts";
import { CliError, exitCodes } from "./exit.ts";

/**
 * A moment that somebody names: a day (its first moment, in their own time zone), a day with a time, or a duration from another moment.
 *
 * @throws {CliError} usage.
 */
export function parseMoment(option: string, text: string, fromMs: number): number {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return fromMs + Math.round(parseDuration(option, text));
  // A day alone would be read as one in Greenwich.
  const moment = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00`) : dateTime(text);
  if (Number.isFinite(moment)) return moment;
  throw new CliError(
    exitCodes.usage,
    `${option} ${JSON.stringify(text)} is not a moment; write a day (2026-12-01), a day with a time (2026-12-01T18:00), or a duration (8h, 7d).`,
  );
}

function dateTime(text: string): number {
  return /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/.test(text) ? Date.parse(text) : Number.NaN;
}
