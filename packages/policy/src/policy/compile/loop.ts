import { isMap } from "./equality.ts";
import { type Evaluate, Failure, OutOfSteps, type Part, recoverable, type Scope, spend } from "./scope.ts";

/** Runs the body of a loop for one element. */
type Round = (scope: Scope, outer: unknown, element: unknown) => unknown;

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
  const steps = body.steps + 1;
  const nested = depth > 0;
  return {
    run: (scope, outer, inner) => {
      const value = run(scope, outer, inner);
      const elements = Array.isArray(value) ? value : keysOf(scope, value);
      const { budget } = scope;
      let failed: unknown;
      for (let index = 0; index < elements.length; index++) {
        budget.left -= steps;
        if (budget.left < 0) throw new OutOfSteps();
        try {
          const holds = nested ? round(scope, outer, elements[index]) : round(scope, elements[index], undefined);
          if (holds === decisive) return decisive;
          if (holds !== !decisive) failed ??= notBool;
        } catch (error) {
          failed ??= recoverable(error);
          // Throwing costs more than a round.
          spend(scope, failureSteps);
        }
      }
      if (failed !== undefined) throw failed;
      return !decisive;
    },
    steps: range.steps + 4,
  };
}

/** What a failure costs that is caught. */
const failureSteps = 200;

/** `exists_one`. */
export function existsOne(loop: Loop): Part {
  const holds = predicate(loop.body, loop.depth);
  const steps = loop.body.steps + 1;
  return looping(loop, (scope, elements, outer) => {
    let count = 0;
    for (const element of elements) {
      spend(scope, steps);
      if (holds(scope, outer, element)) count++;
    }
    return count === 1;
  });
}

/** `filter`. */
export function filter(loop: Loop): Part {
  const holds = predicate(loop.body, loop.depth);
  const steps = loop.body.steps + 2;
  return looping(loop, (scope, elements, outer) => {
    const kept: unknown[] = [];
    for (const element of elements) {
      spend(scope, steps);
      if (holds(scope, outer, element)) kept.push(element);
    }
    return kept;
  });
}

/** `map`, with or without a predicate. */
export function map(loop: Loop): Part {
  const make = roundOf(loop.body, loop.depth);
  const holds = loop.only && predicate(loop.only, loop.depth);
  const steps = loop.body.steps + (loop.only?.steps ?? 0) + 2;
  return looping(loop, (scope, elements, outer) => {
    const made: unknown[] = [];
    for (const element of elements) {
      spend(scope, steps);
      if (holds === undefined || holds(scope, outer, element)) made.push(make(scope, outer, element));
    }
    return made;
  });
}

function looping(loop: Loop, run: (scope: Scope, elements: readonly unknown[], outer: unknown) => unknown): Part {
  const range: Evaluate = loop.range.run;
  return {
    run: (scope, outer, inner) => {
      const value = range(scope, outer, inner);
      return run(scope, Array.isArray(value) ? value : keysOf(scope, value), outer);
    },
    steps: loop.range.steps + 4,
  };
}

function keysOf(scope: Scope, value: unknown): readonly string[] {
  if (!isMap(value)) throw notRange;
  const keys = Object.keys(value);
  spend(scope, 5 * keys.length);
  return keys;
}

function roundOf({ run }: Part, depth: number): Round {
  return depth === 0 ? (scope, _, element) => run(scope, element, undefined) : run;
}

function predicate(body: Part, depth: number): (scope: Scope, outer: unknown, element: unknown) => boolean {
  const round = roundOf(body, depth);
  return (scope, outer, element) => {
    const value = round(scope, outer, element);
    if (typeof value !== "boolean") throw notBool;
    return value;
  };
}
