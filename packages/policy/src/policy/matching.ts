import { LRUCache } from "lru-cache";
import type { ProtocolFacts } from "../facts/fact.ts";
import { type Budget, Failure, OutOfSteps, type Scope, spend } from "./compile/scope.ts";
import { factScopeOf, scopeOf } from "./compile/values.ts";
import type { Match } from "./decide.ts";
import type { Question } from "./question.ts";
import { isAbout, type Rule } from "./rule.ts";

/** The rules about one resource and the operations of one protocol, by id. */
interface Selection {
  /** Those that look at nothing but facts: the same facts always give the same answer. */
  readonly fixed: readonly Rule[];
  readonly varying: readonly Rule[];
}

/** What fixed rules said about facts, and how many steps that took: it is counted again, so that an answer never depends on the past. */
interface Known {
  readonly matches: readonly Match[];
  readonly steps: number;
}

/** What a rule costs besides its condition, in steps; what facts cost besides the rules. */
const ruleSteps = 5;
const factsSteps = 200;

/** Finds the rules that match. */
export class Matching {
  readonly #rules: readonly Rule[];
  /** By all that selectors look at; there are as many as configured resources. */
  readonly #selections = new LRUCache<string, Selection>({ max: 1000 });
  /** Of (frozen) facts. */
  readonly #known = new WeakMap<ProtocolFacts, Map<Selection, Known>>();

  /** @param rules by id */
  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /**
   * The rules that match the facts of a whole operation or of one of its statements, by id; also those that cannot be evaluated.
   *
   * @throws {OutOfSteps} when the budget does not suffice.
   */
  match(facts: ProtocolFacts, question: Question, budget: Budget): readonly Match[] {
    const selection = this.#select(question);
    const fixed = this.#matchFixed(facts, selection, question, budget);
    if (selection.varying.length === 0) return fixed;
    const varying = matchAll(selection.varying, scopeOf(question, facts, budget));
    return varying.length === 0 ? fixed : [...fixed, ...varying].sort((a, b) => (a.rule.id < b.rule.id ? -1 : 1));
  }

  #select({ resource, facts: { protocol } }: Question): Selection {
    const key = JSON.stringify([protocol, resource.name, resource.labels]);
    let selection = this.#selections.get(key);
    if (!selection) {
      const about = this.#rules.filter((rule) => isAbout(rule, resource) && rule.protocols.every((name) => name === protocol));
      selection = { fixed: about.filter((rule) => rule.onlyFacts), varying: about.filter((rule) => !rule.onlyFacts) };
      this.#selections.set(key, selection);
    }
    return selection;
  }

  #matchFixed(facts: ProtocolFacts, selection: Selection, question: Question, budget: Budget): readonly Match[] {
    let bySelection = this.#known.get(facts);
    const known = bySelection?.get(selection);
    const scope = factScopeOf(question.facts.protocol, facts, budget);
    if (known) {
      spend(scope, known.steps);
      return known.matches;
    }
    const before = budget.left;
    const matches = matchAll(selection.fixed, scope);
    if (!Object.isFrozen(facts)) return matches;
    if (!bySelection) {
      bySelection = new Map();
      this.#known.set(facts, bySelection);
    }
    bySelection.set(selection, { matches, steps: before - budget.left });
    return matches;
  }
}

function matchAll(rules: readonly Rule[], scope: Scope): readonly Match[] {
  const matches: Match[] = [];
  spend(scope, factsSteps);
  for (const rule of rules) {
    const match = matchRule(rule, scope);
    if (match !== undefined) matches.push(match);
  }
  return matches;
}

/**
 * Whether a rule's condition holds, or cannot be evaluated; undefined when it does not hold.
 *
 * @throws {OutOfSteps} when the budget does not suffice.
 */
export function matchRule(rule: Rule, scope: Scope): Match | undefined {
  const { part } = rule;
  spend(scope, part === undefined ? ruleSteps : ruleSteps + part.steps);
  if (part === undefined) return { rule };
  let value: unknown;
  try {
    value = part.run(scope, undefined, undefined);
  } catch (error) {
    if (error instanceof OutOfSteps) throw error;
    // The engine's own, e.g. for lists inside each other that are too deep to compare.
    return { rule, error: "it could not be evaluated" };
  }
  if (value === false) return undefined;
  if (value === true) return { rule };
  return { rule, error: value instanceof Failure ? value.message : "the condition did not give true or false" };
}
