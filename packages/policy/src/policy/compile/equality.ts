import { Duration } from "./duration.ts";
import { Failure, type Part, type Scope, spend } from "./scope.ts";

/** From this length on the characters that are compared are counted. */
const shortText = 64;

/** Whether two values are equal in CEL: numbers by their value whatever their type, lists and maps by what they hold; different kinds never. */
function equal(scope: Scope, a: unknown, b: unknown): boolean {
  if (typeof a === "string") return typeof b === "string" && sameText(scope, a, b);
  if (a === b) return true;
  if (typeof a !== "object") return sameNumber(a, b);
  if (a === null || b === null || typeof b !== "object") return false;
  if (Array.isArray(a)) return Array.isArray(b) && sameList(scope, a, b);
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (a instanceof Duration) return b instanceof Duration && a.nanoseconds === b.nanoseconds;
  return isMap(b) && sameMap(scope, a, b);
}

function sameText(scope: Scope, a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  if (a.length > shortText) spend(scope, a.length >> 3);
  return a === b;
}

/** JavaScript compares a bigint and a number exactly. */
function sameNumber(a: unknown, b: unknown): boolean {
  if (typeof a === "bigint") return typeof b === "number" && a <= b && a >= b;
  return typeof a === "number" && typeof b === "bigint" && a <= b && a >= b;
}

function sameList(scope: Scope, a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  spend(scope, 5 * a.length);
  return a.every((item, index) => equal(scope, item, b[index]));
}

function sameMap(scope: Scope, a: object, b: object): boolean {
  const keys = Object.keys(a);
  spend(scope, 25 * keys.length);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equal(scope, Reflect.get(a, key), Reflect.get(b, key)));
}

/** Whether a value is a CEL map: a plain object, as JSON gives it. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** `a == b`. */
export function equals(left: Part, right: Part): Part {
  const steps = left.steps + right.steps + 1;
  for (const [constant, other] of [
    [right.constant, left],
    [left.constant, right],
  ] as const) {
    if (constant === undefined) continue;
    const { value } = constant;
    // For these no conversion is ever made.
    if (typeof value === "string") return { run: same(other, value), steps: steps + (value.length >> 3) };
    if (typeof value === "boolean" || value === null) return { run: same(other, value), steps };
  }
  return {
    run: (s, o, i) => {
      const a = left.run(s, o, i);
      const b = right.run(s, o, i);
      return a instanceof Failure ? a : b instanceof Failure ? b : equal(s, a, b);
    },
    steps,
  };
}

function same({ run }: Part, constant: unknown): Part["run"] {
  return (s, o, i) => {
    const value = run(s, o, i);
    return value === constant || (value instanceof Failure ? value : false);
  };
}

/** `a != b`. */
export function differs(left: Part, right: Part): Part {
  const { run, steps } = equals(left, right);
  return {
    run: (s, o, i) => {
      const value = run(s, o, i);
      return value instanceof Failure ? value : !value;
    },
    steps,
  };
}

const notCollection = new Failure("in needs a list or a map on its right side");

/** `a in b`: an element of a list, or a key of a map. */
export function isIn(left: Part, right: Part): Part {
  const steps = left.steps + right.steps + 1;
  const constant = right.constant?.value;
  if (Array.isArray(constant) && constant.every((item) => typeof item === "string")) {
    const texts = new Set<unknown>(constant);
    const longest = Math.max(0, ...constant.map(({ length }) => length));
    // Not even looked up where it cannot be one of them: finding a text in a set reads all of it.
    return {
      run: (s, o, i) => {
        const value = left.run(s, o, i);
        if (typeof value !== "string") return value instanceof Failure ? value : false;
        return value.length <= longest && texts.has(value);
      },
      steps: steps + (longest >> 3),
    };
  }
  const sought = left.constant?.value;
  if (typeof sought === "string") {
    const each = 1 + (sought.length >> 5);
    return {
      run: (s, o, i) => {
        const collection = right.run(s, o, i);
        if (!Array.isArray(collection)) return hasKey(sought, collection);
        spend(s, each * collection.length);
        return collection.includes(sought);
      },
      steps,
    };
  }
  return {
    run: (s, o, i) => {
      const value = left.run(s, o, i);
      return value instanceof Failure ? value : contains(s, value, right.run(s, o, i));
    },
    steps,
  };
}

function contains(scope: Scope, value: unknown, collection: unknown): boolean | Failure {
  if (Array.isArray(collection)) {
    spend(scope, 3 * collection.length);
    for (const item of collection) if (equal(scope, value, item)) return true;
    return false;
  }
  return hasKey(value, collection);
}

function hasKey(value: unknown, collection: unknown): boolean | Failure {
  if (!isMap(collection)) return collection instanceof Failure ? collection : notCollection;
  return typeof value === "string" && Object.hasOwn(collection, value);
}
