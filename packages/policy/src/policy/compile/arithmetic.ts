import { Duration } from "./duration.ts";
import { Failure, type Part, type Scope, spend } from "./scope.ts";

/** `+`, `-`, `*`, `/` or `%`. */
export type Operator = keyof typeof operators;

const overflow = new Failure("the number is too large (int has 64 bits)");
const byZero = new Failure("division by zero");
const outOfTime = new Failure("the time is out of range");
const tooLong = new Failure("the text is too long");
const maxText = 1024 * 1024;
const [minInt, maxInt] = [-(2n ** 63n), 2n ** 63n - 1n];

/** A whole number within CEL's range. */
export function int(value: bigint): bigint | Failure {
  return value < minInt || value > maxInt ? overflow : value;
}

/** What each operator does with two values; undefined when it does nothing with such values. */
const operators = {
  "+": (a: unknown, b: unknown, scope: Scope): unknown => {
    if (typeof a === "bigint" && typeof b === "bigint") return int(a + b);
    if (typeof a === "number" && typeof b === "number") return a + b;
    if (typeof a === "string" && typeof b === "string") return concatenate(a, b, scope);
    if (Array.isArray(a) && Array.isArray(b)) {
      spend(scope, 3 * (a.length + b.length));
      return [...a, ...b];
    }
    if (a instanceof Date && b instanceof Duration) return time(b.after(a));
    if (a instanceof Duration && b instanceof Date) return time(a.after(b));
    return a instanceof Duration && b instanceof Duration ? new Duration(a.nanoseconds + b.nanoseconds) : undefined;
  },
  "-": (a: unknown, b: unknown): unknown => {
    if (typeof a === "bigint" && typeof b === "bigint") return int(a - b);
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (a instanceof Date && b instanceof Date) return Duration.ofMilliseconds(a.getTime() - b.getTime());
    if (a instanceof Date && b instanceof Duration) return time(b.negated().after(a));
    return a instanceof Duration && b instanceof Duration ? new Duration(a.nanoseconds - b.nanoseconds) : undefined;
  },
  "*": (a: unknown, b: unknown): unknown => {
    if (typeof a === "bigint" && typeof b === "bigint") return int(a * b);
    return typeof a === "number" && typeof b === "number" ? a * b : undefined;
  },
  "/": (a: unknown, b: unknown): unknown => {
    if (typeof a === "bigint" && typeof b === "bigint") return b === 0n ? byZero : int(a / b);
    return typeof a === "number" && typeof b === "number" ? a / b : undefined;
  },
  "%": (a: unknown, b: unknown): unknown => {
    if (typeof a !== "bigint" || typeof b !== "bigint") return undefined;
    return b === 0n ? byZero : a % b;
  },
} as const;

/** `a + b` and its like. An int and a double do not mix, as CEL says. */
export function calculate(op: Operator, left: Part, right: Part): Part {
  const apply = operators[op];
  const failure = new Failure(`${op} cannot be used on these values`);
  return {
    run: (s, o, i) => {
      const a = left.run(s, o, i);
      const b = right.run(s, o, i);
      const result = apply(a, b, s);
      if (result !== undefined) return result;
      return a instanceof Failure ? a : b instanceof Failure ? b : failure;
    },
    steps: left.steps + right.steps + 15,
  };
}

const notNumber = new Failure("- needs a number");

/** `-a`. */
export function negate({ run, steps }: Part): Part {
  return {
    run: (s, o, i) => {
      const value = run(s, o, i);
      if (typeof value === "bigint") return int(-value);
      if (typeof value === "number") return -value;
      return value instanceof Failure ? value : notNumber;
    },
    steps: steps + 5,
  };
}

function concatenate(a: string, b: string, scope: Scope): string | Failure {
  if (a.length + b.length > maxText) return tooLong;
  spend(scope, 20 + ((a.length + b.length) >> 2));
  return a + b;
}

function time(value: Date): Date | Failure {
  return Number.isNaN(value.getTime()) ? outOfTime : value;
}
