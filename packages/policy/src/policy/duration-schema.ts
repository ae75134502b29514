import { z } from "zod";
import { didYouMean, nearest } from "../suggest.ts";
import { parseBytes, parseDuration } from "./quantity.ts";

/** Timers in the control plane count to 2^31 ms (24.8 days). */
const longest = { text: "14d", ms: 14 * 86_400_000 };

/** What people write instead of the unit that is meant. */
const longUnits: Readonly<Record<string, string>> = {
  milliseconds: "ms",
  msec: "ms",
  seconds: "s",
  secs: "s",
  minutes: "m",
  mins: "m",
  hours: "h",
  hrs: "h",
  days: "d",
};

/** A text like `30s` → milliseconds. */
export const duration = z
  .string({ error: 'expected a duration like "30s", "5m" or "1h"' })
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms <= longest.ms) return ms;
    const problem = ms === undefined ? "is not a duration" : `is longer than ${longest.text}`;
    const hint = ms === undefined ? meantDuration(text) : "";
    context.addIssue({ code: "custom", message: `"${text}" ${problem}; expected something like "30s", "5m" or "1h"${hint}` });
    return z.NEVER;
  })
  .meta({ pattern: "^([0-9]+(ms|s|m|h|d))+$", description: "A duration: `500ms`, `30s`, `5m`, `1h30m`, `2d`. At most 14d." });

/** `10 minutes`, `5min` → `; did you mean "10m"?`. */
function meantDuration(text: string): string {
  const [, digits, word = ""] = /^(\d{1,15})\s*([A-Za-z]+)$/.exec(text.trim()) ?? [];
  if (digits === undefined) return "";
  const lower = word.toLowerCase();
  const long = Object.keys(longUnits).find((name) => name.startsWith(lower)) ?? nearest(lower, Object.keys(longUnits));
  const unit = long === undefined ? undefined : longUnits[long];
  const meant = `${digits}${unit}`;
  return unit === undefined || parseDuration(meant) === undefined ? "" : `; did you mean "${meant}"?`;
}

/** A text like `10MB`, or a number → bytes. */
export const bytes = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const count = parseBytes(value);
    if (count !== undefined) return count;
    const [, digits = "", unit = ""] = /^(\d+)\s*(.*)$/.exec(String(value)) ?? [];
    const hint = didYouMean(unit, ["kB", "MB", "GB", "KiB", "MiB", "GiB"]).replace('"', `"${digits}`);
    context.addIssue({
      code: "custom",
      message: `"${value}" is not a size; expected something like "10MB", "512KiB" or a number of bytes${unit === "" ? "" : hint}`,
    });
    return z.NEVER;
  })
  .meta({ description: "A size: `10MB`, `512KiB`, or a number of bytes." });
