import { int } from "./arithmetic.ts";
import { Duration } from "./duration.ts";
import { Failure, type Part } from "./scope.ts";

/** What a function gives for a value; undefined when it cannot be made of it. */
type Convert = (value: unknown) => unknown;

const conversions: Readonly<Record<string, Convert>> = {
  dyn: (value) => value,
  bool: (value) => (typeof value === "boolean" ? value : texts(value, /^(1|t|true|TRUE|True)$/, /^(0|f|false|FALSE|False)$/)),
  string: (value) => {
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : undefined;
    return typeof value === "string" || typeof value === "boolean" || typeof value === "bigint" ? String(value) : undefined;
  },
  int: (value) => {
    if (typeof value === "bigint") return value;
    if (typeof value === "number") return Number.isFinite(value) ? int(BigInt(Math.trunc(value))) : undefined;
    return typeof value === "string" && /^[+-]?[0-9]{1,19}$/.test(value) ? int(BigInt(value.replace("+", ""))) : undefined;
  },
  double: (value) => {
    if (typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    return typeof value === "string" && value.length <= 400 && /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(value)
      ? Number(value)
      : undefined;
  },
  timestamp: (value) => {
    if (value instanceof Date) return value;
    const ms = typeof value === "bigint" ? Number(value) * 1000 : typeof value === "string" ? parseTimestamp(value) : Number.NaN;
    // Years 1 to 9999, as protobuf's Timestamp says.
    return ms >= -62_135_596_800_000 && ms <= 253_402_300_799_999 ? new Date(ms) : undefined;
  },
  duration: (value) => (value instanceof Duration ? value : typeof value === "string" ? parseDuration(value) : undefined),
};

const stepsOf: Readonly<Record<string, number>> = { dyn: 1, timestamp: 600, duration: 600 };

/** The names of the functions that convert. */
export const conversionNames: readonly string[] = Object.keys(conversions);

/** `int(value)` and its like; undefined when there is no such function. A constant is converted at once. */
export function conversion(name: string, value: Part): Part | undefined {
  const convert = Object.hasOwn(conversions, name) ? conversions[name] : undefined;
  if (convert === undefined) return undefined;
  const failure = new Failure(`${name}() cannot be made of this value`);
  const run: Part["run"] = (s, o, i) => {
    const from = value.run(s, o, i);
    if (from instanceof Failure) return from;
    const result = convert(from);
    return result === undefined ? failure : result;
  };
  const steps = value.steps + (stepsOf[name] ?? 100);
  if (value.constant === undefined) return { run, steps };
  const result = convert(value.constant.value);
  if (result === undefined || result instanceof Failure) return undefined;
  return { run: () => result, steps: 1, constant: { value: result } };
}

function texts(value: unknown, yes: RegExp, no: RegExp): boolean | undefined {
  if (typeof value !== "string" || value.length > 5) return undefined;
  return yes.test(value) ? true : no.test(value) ? false : undefined;
}

/** RFC 3339 only: JavaScript reads a text without a zone as the machine's own time. */
function parseTimestamp(text: string): number {
  if (text.length > 40) return Number.NaN;
  const parts = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i.exec(text);
  if (parts === null) return Number.NaN;
  const [, date = "", time = "", fraction = "", zone = ""] = parts;
  // JavaScript turns February 30 into March 2.
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return Number.NaN;
  return Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`);
}

const units: Readonly<Record<string, bigint>> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
};

/** `1h30m`, `-1.5s`: a sign, then numbers with units. */
function parseDuration(text: string): Duration | undefined {
  if (text.length > 100 || !/^[+-]?((\d{1,12}(\.\d{1,9})?)(h|m|s|ms|us|µs|ns))+$/.test(text)) return undefined;
  let sum = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(/(\d+)(?:\.(\d+))?([a-zµ]+)/g)) {
    const factor = units[unit] ?? 0n;
    sum += BigInt(whole) * factor + (BigInt(fraction.padEnd(9, "0")) * factor) / 1_000_000_000n;
  }
  return new Duration(text.startsWith("-") ? -sum : sum);
}
