/**
 * How many steps all conditions together may take for one decision. A step is one part of a condition, one round of a loop, or a few
 * characters of text; they take about 5 ns at most, so that one decision ends within about 20 ms whatever the operation holds.
 */
const maxSteps = 4_000_000;

/** The steps that are left. */
export class Budget {
  left: number;

  constructor(steps: number = maxSteps) {
    this.left = steps;
  }
}

/** Thrown when the budget is used up. Nothing in a condition can catch it. */
export class OutOfSteps extends Error {
  override readonly name = "OutOfSteps";

  constructor() {
    super("it takes too many steps: the operation is too large for it");
  }
}

/**
 * What a part of a condition gives that cannot be evaluated. It is given, not thrown: `&&`, `||` and loops go on after it, and throwing
 * takes thousands of times longer than going on. Made once, when the condition is compiled, so that its text cannot show a value: values
 * may be secret, and the text is what the agent is told.
 */
export class Failure {
  /** What is wrong, in the condition's own names. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** What conditions look at, and what was found out already. */
export class Scope {
  /** The operation's facts in the order of their table; numbers as `bigint`. */
  readonly facts: readonly unknown[];
  /** Everything else, in the order of {@link circumstances}. */
  readonly values: readonly unknown[];
  /** What parts that several conditions share gave, by slot. */
  readonly known: unknown[] = [];
  readonly budget: Budget;

  constructor(facts: readonly unknown[], values: readonly unknown[], budget: Budget) {
    this.facts = facts;
    this.values = values;
    this.budget = budget;
  }
}

/**
 * A part of a condition, ready to run: gives its CEL value (`bigint` for int, `number` for double, `Date` for a timestamp) or a {@link Failure}. `outer` and `inner` are the elements that the loops around it are at.
 */
export type Evaluate = (scope: Scope, outer: unknown, inner: unknown) => unknown;

/** A compiled part, and how many steps it takes besides those that it counts while it runs. */
export interface Part {
  readonly run: Evaluate;
  readonly steps: number;
  /** The value, when it is the same for every operation. */
  readonly constant?: { readonly value: unknown };
}

/** Counts steps before they are taken. */
export function spend(scope: Scope, steps: number): void {
  scope.budget.left -= steps;
  if (scope.budget.left < 0) throw new OutOfSteps();
}

/** Counts steps that are taken, or were taken before and are not taken again. */
export function take(budget: Budget, steps: number): void {
  budget.left -= steps;
  if (budget.left < 0) throw new OutOfSteps();
}
