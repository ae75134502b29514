import type { Vote } from "@countersign/policy";
import { type Asked, openedMs } from "./tally.ts";

/** When those who are asked are reminded of a request that nobody answers. It is told again, and that is all. */
export interface ReminderTimes {
  /** After the last answer, or since it was opened, milliseconds. */
  readonly afterMs: number;
  /** From one reminder to the next, milliseconds. */
  readonly everyMs: number;
  /** How many there are until somebody answers. */
  readonly atMost: number;
}

/** How many reminders there have been up to a moment. */
export function remindedBy(times: ReminderTimes | undefined, answeredMs: number, nowMs: number): number {
  if (times === undefined) return 0;
  const { afterMs, everyMs, atMost } = times;
  const passedMs = nowMs - answeredMs - afterMs;
  return passedMs < 0 ? 0 : Math.min(Math.floor(passedMs / everyMs) + 1, atMost);
}

/** The first reminder after a moment; undefined when there is none. Milliseconds since the Unix epoch. */
export function nextReminder(times: ReminderTimes | undefined, answeredMs: number, afterMs: number): number | undefined {
  const done = remindedBy(times, answeredMs, afterMs);
  return times === undefined || done >= times.atMost ? undefined : answeredMs + times.afterMs + done * times.everyMs;
}

/** When somebody last answered, or, when nobody has, when it was opened. */
export function answeredMs(request: Asked, votes: readonly Vote[]): number {
  return votes.reduce((latest, { timeMs }) => Math.max(latest, timeMs), openedMs(request));
}
