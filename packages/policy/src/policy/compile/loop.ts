import { isMap } from "./equality.ts";
import { Failure, OutOfSteps, type Part, type Scope, spend } from "./scope.ts";

/** A loop: over the elements of a list, or the keys of a map. */
export interface Loop {
  readonly range: Part;
  /** How many loops are around it: its element is the first or the second of what the body is given. */
  readonly depth: number;
  /** What is evaluated for every element: the predicate, or what `map` makes. */
  readonly body: Part;
  /** The predicate of `map` with three arguments. */
  readonly only?: Part;
}

const notRange = new Failure("loops need a list or a map");
const notBool = new Failure("the predicate of a loop must give true or false");

/** What a round costs besides its body. */
const roundSteps = 8;
/** What an element costs in a list that is made, with what it costs to throw the list away. */
const listSteps = 20;

/** `all`: one false decides, even where the predicate fails for another element. */
export function all(loop: Loop): Part {
  return quantifier(loop, false);
}

/** `exists`: one true decides, even where the predicate fails for another element. */
export function exists(loop: Loop): Part {
  return quantifier(loop, true);
}

/** Written out in full: most conditions are such a loop. */
function quantifier({ range, depth, body }: Loop, decisive: boolean): Part {
  const { run } = range;
  const round = body.run;
  const steps = body.steps + roundSteps;
  const nested = depth > 0;
  return {
    run: (scope, outer, inner) => {
      const value = run(scope, outer, inner);
      const elements = Array.isArray(value) ? value : keysOf(scope, value);
      if (elements instanceof Failure) return elements;
      const { budget } = scope;
      let failed: Failure | undefined;
      for (let index = 0; index < elements.length; index++) {
        budget.left -= steps;
        if (budget.left < 0) throw new OutOfSteps();
        const holds = nested ? round(scope, outer, elements[index]) : round(scope, elements[index], undefined);
        if (holds === decisive) return decisive;
        if (holds !== !decisive) failed ??= holds instanceof Failure ? holds : notBool;
      }
      return failed ?? !decisive;
    },
    steps: range.steps + 4,
  };
}

/** `exists_one`. */
export function existsOne(loop: Loop): Part {
  return looping(loop, loop.body.steps + roundSteps, () => {
    let count = 0;
    return {
      take: (_, holds) => {
        if (holds === true) count++;
        return holds === true || holds === false ? undefined : failureOf(holds);
      },
      result: () => count === 1,
    };
  });
}

/** `filter`. */
export function filter(loop: Loop): Part {
  return looping(loop, loop.body.steps + listSteps, () => {
    const kept: unknown[] = [];
    return {
      take: (element, holds) => {
        if (holds === true) kept.push(element);
        return holds === true || holds === false ? undefined : failureOf(holds);
      },
      result: () => kept,
    };
  });
}

/** `map`, with or without a predicate. */
export function map(loop: Loop): Part {
  const { body, only } = loop;
  const each: Part = only === undefined ? body : { run: onlyWhere(only.run, body.run), steps: body.steps + only.steps };
  return looping({ ...loop, body: each }, each.steps + listSteps, () => {
    const made: unknown[] = [];
    return {
      take: (_, value) => {
        if (value instanceof Failure) return value;
        if (value !== undefined) made.push(value);
        return undefined;
      },
      result: () => made,
    };
  });
}

/** Undefined, which no value is, where the predicate does not hold. */
function onlyWhere(predicate: Part["run"], make: Part["run"]): Part["run"] {
  return (scope, outer, inner) => {
    const holds = predicate(scope, outer, inner);
    if (holds === true) return make(scope, outer, inner);
    return holds === false ? undefined : failureOf(holds);
  };
}

/** What is done with the elements of one loop. */
interface Collector {
  /** Takes an element and what the body gave for it; gives a failure when the loop cannot go on. */
  take(element: unknown, value: unknown): Failure | undefined;
  result(): unknown;
}

function looping({ range, depth, body }: Loop, steps: number, collect: () => Collector): Part {
  const nested = depth > 0;
  return {
    run: (scope, outer, inner) => {
      const value = range.run(scope, outer, inner);
      const elements = Array.isArray(value) ? value : keysOf(scope, value);
      if (elements instanceof Failure) return elements;
      const collector = collect();
      for (const element of elements) {
        spend(scope, steps);
        const given = nested ? body.run(scope, outer, element) : body.run(scope, element, undefined);
        const failed = collector.take(element, given);
        if (failed) return failed;
      }
      return collector.result();
    },
    steps: range.steps + 10,
  };
}

function failureOf(value: unknown): Failure {
  return value instanceof Failure ? value : notBool;
}

function keysOf(scope: Scope, value: unknown): readonly unknown[] | Failure {
  if (!isMap(value)) return value instanceof Failure ? value : notRange;
  const keys = Object.keys(value);
  spend(scope, 5 * keys.length);
  return keys;
}
