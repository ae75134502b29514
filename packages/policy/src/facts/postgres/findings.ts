/** What a statement does, beyond reading: see the fact table for what each means to policy. */
export type Effect = "writes" | "defines" | "session";

/** What the walk of one text's trees has found so far. */
export class Findings {
  readonly kinds = new Set<string>();
  readonly reads = new Set<string>();
  readonly writesTo = new Set<string>();
  readonly functions = new Set<string>();
  readonly effects = new Set<Effect>();
  /** Why it is not fully understood, in words; empty = it is. */
  readonly doubts = new Set<string>();
  /** The columns of functions in FROM by the function's alias; of several with one alias, those that all have. */
  readonly functionAliases = new Map<string, ReadonlySet<string>>();
  /** Every `alias.column`. */
  readonly columns = new Map<string, Set<string>>();
  /** The highest `$n`. */
  parameters = 0;
  /** For every UPDATE, DELETE and MERGE whether a condition narrows it. */
  readonly changes: boolean[] = [];
  /** For every SELECT that is a statement of its own. */
  readonly selects: boolean[] = [];

  /** Adds what another statement of the same text does. */
  add(other: Findings): void {
    for (const key of ["kinds", "reads", "writesTo", "functions", "doubts"] as const)
      for (const name of other[key]) this[key].add(name);
    for (const effect of other.effects) this.effects.add(effect);
    this.parameters = Math.max(this.parameters, other.parameters);
    this.changes.push(...other.changes);
    this.selects.push(...other.selects);
  }

  /** Whether every change is narrowed; without any, whether every SELECT is. */
  get hasWhere(): boolean {
    const all = this.changes.length > 0 ? this.changes : this.selects;
    return all.length > 0 && all.every((narrowed) => narrowed);
  }
}
