import { Duration } from "./duration.ts";
import { Failure, type Part, type Scope, spend } from "./scope.ts";

/** Comparisons, each as what the sign of the order must be. */
const holds = {
  "<": (sign: number) => sign < 0,
  "<=": (sign: number) => sign <= 0,
  ">": (sign: number) => sign > 0,
  ">=": (sign: number) => sign >= 0,
} as const;

/** `<`, `<=`, `>` or `>=`. */
export type Comparison = keyof typeof holds;

/** `a < b` and its like: numbers of any type, texts by code points, times, durations, and false before true. */
export function compare(op: Comparison, left: Part, right: Part): Part {
  const test = holds[op];
  const failure = new Failure(`${op} needs two numbers, two texts, two times or two durations`);
  return {
    run: (s, o, i) => {
      const a = left.run(s, o, i);
      const b = right.run(s, o, i);
      const sign = order(s, a, b);
      if (sign !== undefined) return test(sign);
      return a instanceof Failure ? a : b instanceof Failure ? b : failure;
    },
    steps: left.steps + right.steps + 2,
  };
}

/** Negative, zero or positive; NaN where neither comes first; undefined where there is no order. */
function order(scope: Scope, a: unknown, b: unknown): number | undefined {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : a >= b ? 0 : Number.NaN;
  if (typeof a === "string" && typeof b === "string") return orderTexts(scope, a, b);
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime();
  if (a instanceof Duration && b instanceof Duration) return Number(a.nanoseconds - b.nanoseconds);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  return undefined;
}

function isNumber(value: unknown): value is bigint | number {
  return typeof value === "bigint" || typeof value === "number";
}

/** By code points, as CEL says; JavaScript's own comparison goes by UTF-16 units, which puts 😀 before ￿. */
function orderTexts(scope: Scope, a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a.charCodeAt(index) === b.charCodeAt(index)) index++;
  spend(scope, index + (index >> 1));
  if (index === length) return a.length - b.length;
  return weight(a.charCodeAt(index)) - weight(b.charCodeAt(index));
}

/** Surrogates stand for code points above all others. */
function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
