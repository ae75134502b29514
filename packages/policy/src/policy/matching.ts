import { LRUCache } from "lru-cache";
import type { Protocol, ProtocolFacts } from "../facts/fact.ts";
import { type ProtocolName, protocols } from "../facts/protocols.ts";
import { type Budget, Failure, OutOfSteps, type Scope, spend } from "./compile/scope.ts";
import { scopeOf } from "./compile/values.ts";
import type { Match } from "./decide.ts";
import type { Question } from "./question.ts";
import { isAbout, type Rule } from "./rule.ts";

/** The rules about one resource and the operations of one protocol, by id, and by what else they look at. */
interface Selection {
  /** Those that look at nothing but facts and what the selection is chosen by: the same facts always give the same answer. */
  readonly fixed: readonly Rule[];
  /** Those that look at the caller, its reason or the role that it asked for: the same as long as the same caller asks. */
  readonly asked: readonly Rule[];
  /** Those that look at the clock. */
  readonly timed: readonly Rule[];
  /** Facts that stand for all that differ in nothing that any of these rules looks at. */
  readonly standIn: (facts: ProtocolFacts) => ProtocolFacts;
}

/** What rules said, and how many steps that took: it is counted again, so that an answer never depends on the past. */
interface Known {
  readonly matches: readonly Match[];
  readonly steps: number;
}

/** What the rules of a selection said about facts. */
interface KnownOfSelection {
  readonly fixed: Known;
  /** For the caller who asked last: one caller often asks the same again. */
  asked?: Known & Pick<Question, "principal" | "reason"> & { readonly role: string | undefined };
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
  readonly #known = new WeakMap<ProtocolFacts, Map<Selection, KnownOfSelection>>();

  /** @param rules by id */
  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /**
   * The rules that match the facts of a whole operation or of one of its statements, by id; also those that cannot be evaluated.
   *
   * @throws {OutOfSteps} when the budget does not suffice.
   */
  match(own: ProtocolFacts, question: Question, budget: Budget): readonly Match[] {
    const selection = this.#select(question);
    const facts = selection.standIn(own);
    const scope = scopeOf(question, facts, budget);
    const known = this.#fixed(facts, selection, scope, budget);
    const asked = selection.asked.length === 0 ? none : askedOf(known, selection, question, scope, budget);
    const timed = selection.timed.length === 0 ? none : matchAll(selection.timed, scope);
    if (asked.length === 0 && timed.length === 0) return known.fixed.matches;
    return [...known.fixed.matches, ...asked, ...timed].sort((a, b) => (a.rule.id < b.rule.id ? -1 : 1));
  }

  #select({ resource, facts: { protocol } }: Question): Selection {
    const key = JSON.stringify([protocol, resource.name, resource.type, resource.labels]);
    let selection = this.#selections.get(key);
    if (!selection) {
      const about = this.#rules.filter((rule) => isAbout(rule, resource) && rule.protocols.every((name) => name === protocol));
      const of = (looksAt: Rule["looksAt"]) => about.filter((rule) => rule.looksAt === looksAt);
      selection = { fixed: of("facts"), asked: of("caller"), timed: of("clock"), standIn: standInOf(about, protocol) };
      this.#selections.set(key, selection);
    }
    return selection;
  }

  #fixed(facts: ProtocolFacts, selection: Selection, scope: Scope, budget: Budget): KnownOfSelection {
    let bySelection = this.#known.get(facts);
    const known = bySelection?.get(selection);
    if (known) {
      spend(scope, known.fixed.steps);
      return known;
    }
    const fresh: KnownOfSelection = { fixed: counted(selection.fixed, scope, budget) };
    // Facts that may still change are looked at anew each time.
    if (!Object.isFrozen(facts)) return fresh;
    if (!bySelection) {
      bySelection = new Map();
      this.#known.set(facts, bySelection);
    }
    bySelection.set(selection, fresh);
    return fresh;
  }
}

const none: readonly Match[] = [];

function standInOf(rules: readonly Rule[], protocol: ProtocolName): Selection["standIn"] {
  const { shared, variable }: Pick<Protocol<ProtocolFacts>, "shared" | "variable"> = protocols[protocol];
  const looks = shared === undefined || rules.some(({ condition }) => condition?.facts.has(`${variable}.${shared.but}`));
  return looks ? (facts) => facts : (facts) => shared.of(facts);
}

function askedOf(
  known: KnownOfSelection,
  selection: Selection,
  { principal, reason, role }: Question,
  scope: Scope,
  budget: Budget,
): readonly Match[] {
  const before = known.asked;
  if (before && before.principal === principal && before.reason === reason && before.role === role) {
    spend(scope, before.steps);
    return before.matches;
  }
  const asked = { ...counted(selection.asked, scope, budget), principal, reason, role };
  known.asked = asked;
  return asked.matches;
}

function counted(rules: readonly Rule[], scope: Scope, budget: Budget): Known {
  const before = budget.left;
  const matches = matchAll(rules, scope);
  return { matches, steps: before - budget.left };
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
