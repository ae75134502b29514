import { type Evaluate, Failure, type Part, recoverable, type Scope } from "./scope.ts";

const notBool = new Failure("&& and || need true or false on both sides");
const notCondition = new Failure("? : needs true or false before the question mark");
const notNegatable = new Failure("! needs true or false");

/** `a && b && …`: one false decides, even where another part cannot be evaluated. */
export function every(parts: readonly Part[]): Part {
  return junction(parts, false);
}

/** `a || b || …`: one true decides, even where another part cannot be evaluated. */
export function some(parts: readonly Part[]): Part {
  return junction(parts, true);
}

function junction(parts: readonly Part[], decisive: boolean): Part {
  const steps = sumSteps(parts) + 1;
  const [first, second] = parts;
  if (parts.length === 2 && first && second) return { run: pair(first.run, second.run, decisive), steps };
  const runs = parts.map(({ run }) => run);
  const run: Evaluate = (scope, outer, inner) => {
    let failed: unknown;
    for (const part of runs) {
      try {
        const value = part(scope, outer, inner);
        if (value === decisive) return decisive;
        if (value !== !decisive) failed ??= notBool;
      } catch (error) {
        failed ??= recoverable(error);
      }
    }
    if (failed !== undefined) throw failed;
    return !decisive;
  };
  return { run, steps };
}

/** The ordinary case, with less around it. */
function pair(left: Evaluate, right: Evaluate, decisive: boolean): Evaluate {
  return (scope, outer, inner) => {
    let value: unknown;
    try {
      value = left(scope, outer, inner);
    } catch (error) {
      return unlessDecided(right, decisive, recoverable(error), scope, outer, inner);
    }
    if (value === decisive) return decisive;
    if (value !== !decisive) return unlessDecided(right, decisive, notBool, scope, outer, inner);
    value = right(scope, outer, inner);
    if (typeof value === "boolean") return value;
    throw notBool;
  };
}

/** The left side failed: only the right side can decide. */
function unlessDecided(
  right: Evaluate,
  decisive: boolean,
  failed: unknown,
  scope: Scope,
  outer: unknown,
  inner: unknown,
): boolean {
  let value: unknown;
  try {
    value = right(scope, outer, inner);
  } catch (error) {
    recoverable(error);
  }
  if (value === decisive) return decisive;
  throw failed;
}

/** `!a`. */
export function not({ run, steps }: Part): Part {
  return {
    run: (scope, outer, inner) => {
      const value = run(scope, outer, inner);
      if (typeof value !== "boolean") throw notNegatable;
      return !value;
    },
    steps: steps + 1,
  };
}

/** `a ? b : c`. */
export function conditional(condition: Part, yes: Part, no: Part): Part {
  return {
    run: (scope, outer, inner) => {
      const value = condition.run(scope, outer, inner);
      if (value === true) return yes.run(scope, outer, inner);
      if (value === false) return no.run(scope, outer, inner);
      throw notCondition;
    },
    steps: sumSteps([condition, yes, no]) + 1,
  };
}

/** The steps of several parts together. */
export function sumSteps(parts: readonly Part[]): number {
  return parts.reduce((sum, { steps }) => sum + steps, 0);
}
