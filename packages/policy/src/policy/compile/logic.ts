import { type Evaluate, Failure, type Part } from "./scope.ts";

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
    let failed: Failure | undefined;
    for (const part of runs) {
      const value = part(scope, outer, inner);
      if (value === decisive) return decisive;
      if (value !== !decisive) failed ??= value instanceof Failure ? value : notBool;
    }
    return failed ?? !decisive;
  };
  return { run, steps };
}

/** The ordinary case, with less around it. */
function pair(left: Evaluate, right: Evaluate, decisive: boolean): Evaluate {
  return (scope, outer, inner) => {
    const first = left(scope, outer, inner);
    if (first === decisive) return decisive;
    const second = right(scope, outer, inner);
    if (second === decisive) return decisive;
    if (first !== !decisive) return first instanceof Failure ? first : notBool;
    return second === !decisive || second instanceof Failure ? second : notBool;
  };
}

/** `!a`. */
export function not({ run, steps }: Part): Part {
  return {
    run: (scope, outer, inner) => {
      const value = run(scope, outer, inner);
      if (typeof value === "boolean") return !value;
      return value instanceof Failure ? value : notNegatable;
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
      return value instanceof Failure ? value : notCondition;
    },
    steps: sumSteps([condition, yes, no]) + 1,
  };
}

/** The steps of several parts together. */
function sumSteps(parts: readonly Part[]): number {
  return parts.reduce((sum, { steps }) => sum + steps, 0);
}
