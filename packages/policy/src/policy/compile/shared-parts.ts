import { type Part, spend } from "./scope.ts";

/** Parts that several conditions have in common, so that one decision evaluates each of them once. */
export class SharedParts {
  readonly #uses = new Map<string, number>();
  readonly #slots = new Map<string, number>();

  /** Notes that a part will be evaluated: once, or more often when it stands in a loop. */
  note(key: string, times: number): void {
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + times);
  }

  /** The part, made to remember its value within one scope when it was noted more than once. */
  remember(key: string, part: Part): Part {
    if ((this.#uses.get(key) ?? 0) < 2) return part;
    const slot = this.#slots.get(key) ?? this.#slots.size;
    this.#slots.set(key, slot);
    const { run, steps } = part;
    return {
      run: (scope) => {
        const known = scope.known[slot];
        if (known !== undefined) return known;
        spend(scope, steps);
        const value = run(scope, undefined, undefined);
        scope.known[slot] = value;
        return value;
      },
      steps: 2,
    };
  }
}
