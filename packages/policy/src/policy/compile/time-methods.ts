import { Duration } from "./duration.ts";
import { Failure, type Part } from "./scope.ts";

/** What a method says of a time, given as one whose UTC fields are those of the zone. */
const ofTime: Readonly<Record<string, (time: Date) => number>> = {
  getFullYear: (time) => time.getUTCFullYear(),
  getMonth: (time) => time.getUTCMonth(),
  getDate: (time) => time.getUTCDate(),
  getDayOfMonth: (time) => time.getUTCDate() - 1,
  getDayOfWeek: (time) => time.getUTCDay(),
  getDayOfYear: (time) =>
    Math.floor((Date.UTC(2000, time.getUTCMonth(), time.getUTCDate()) - Date.UTC(2000, 0, 1)) / 86_400_000) -
    (time.getUTCMonth() > 1 && !isLeapYear(time.getUTCFullYear()) ? 1 : 0),
  getHours: (time) => time.getUTCHours(),
  getMinutes: (time) => time.getUTCMinutes(),
  getSeconds: (time) => time.getUTCSeconds(),
  getMilliseconds: (time) => time.getUTCMilliseconds(),
};

/** Of a duration: how many whole ones it has altogether. */
const ofDuration: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
  getMilliseconds: 1_000_000n,
};

/** The names of the methods of times. */
export const timeMethods: readonly string[] = Object.keys(ofTime);

/** Turning a time into a zone's takes some microseconds. */
const zoneSteps = 1000;

/** `time.method()`, in UTC or in a zone; of a duration the same names count whole hours and so on. */
export function timeMethod(name: string, { run, steps }: Part, zone: Intl.DateTimeFormat | undefined): Part | undefined {
  const read = Object.hasOwn(ofTime, name) ? ofTime[name] : undefined;
  if (read === undefined) return undefined;
  const unit = Object.hasOwn(ofDuration, name) && zone === undefined ? ofDuration[name] : undefined;
  const failure = new Failure(`${name}() needs a time`);
  return {
    run: (s, o, i) => {
      const value = run(s, o, i);
      if (value instanceof Date) return BigInt(read(zone === undefined ? value : inZone(value, zone)));
      if (unit !== undefined && value instanceof Duration) return value.nanoseconds / unit;
      return value instanceof Failure ? value : failure;
    },
    steps: steps + (zone === undefined ? 25 : zoneSteps),
  };
}

/** A time zone by its name or offset; undefined when there is no such zone. */
export function timeZone(name: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A time whose UTC fields are what a clock in the zone shows. */
function inZone(time: Date, zone: Intl.DateTimeFormat): Date {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of zone.formatToParts(time)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const shown = new Date(0);
  shown.setUTCFullYear(year, month - 1, day);
  shown.setUTCHours(hour, minute, second, time.getUTCMilliseconds());
  return shown;
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}
