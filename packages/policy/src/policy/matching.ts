import { LRUCache } from "lru-cache";
import type { Protocol, ProtocolFacts } from "../facts/fact.ts";
import { type ProtocolName, protocols } from "../facts/protocols.ts";
import { type Budget, Failure, OutOfSteps, type Scope, take } from "./compile/scope.ts";
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
  fixed?: Known;
  /** For the caller who asked last: one caller often asks the same again. */
  asked?: KnownOfCaller;
}

interface KnownOfCaller extends Known {
  readonly principal: Question["principal"];
  readonly reason: string;
  readonly role: string | undefined;
  /** With the fixed ones, by id. */
  readonly together: readonly Match[];
}

/** What a rule costs besides its condition, in steps; what facts cost besides the rules. */
const ruleSteps = 5;
const factsSteps = 200;

/** Finds the rules that match. */
export class Matching {
  readonly #rules: readonly Rule[];
  /** By all that selectors look at; there are as many as configured resources. */
  readonly #selections = new LRUCache<string, Selection>({ max: 1000 });
  /** The same, of (frozen) resources, whose operations are of one protocol. */
  readonly #ofResources = new WeakMap<Question["resource"], { readonly protocol: string; readonly selection: Selection }>();
  /** Of (frozen) facts. */
  readonly #known = new WeakMap<ProtocolFacts, Map<Selection, KnownOfSelection>>();

  /** @param rules by id */
  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /**
   * The rules that match the facts of a whole operation or of one of its statements, by id; also those that cannot be evaluated. The same list
   * where nothing that they look at is another than the last time.
   *
   * @throws {OutOfSteps} when the budget does not suffice.
   */
  match(own: ProtocolFacts, question: Question, budget: Budget): readonly Match[] {
    const selection = this.#select(question);
    const facts = selection.standIn(own);
    const known = this.#knownOf(facts, selection);
    const { fixed } = known;
    if (fixed !== undefined && selection.timed.length === 0) {
      const asked = selection.asked.length === 0 ? nothing : callerOf(known, question);
      if (asked !== undefined) {
        take(budget, fixed.steps + asked.steps);
        return asked === nothing ? fixed.matches : asked.together;
      }
    }
    return matchAnew(known, selection, scopeOf(question, facts, budget), question);
  }

  #select({ resource, facts: { protocol } }: Question): Selection {
    const before = this.#ofResources.get(resource);
    if (before?.protocol === protocol) return before.selection;
    const key = JSON.stringify([protocol, resource.name, resource.type, resource.labels]);
    let selection = this.#selections.get(key);
    if (!selection) {
      const about = this.#rules.filter((rule) => isAbout(rule, resource) && rule.protocols.every((name) => name === protocol));
      const of = (looksAt: Rule["looksAt"]) => about.filter((rule) => rule.looksAt === looksAt);
      selection = { fixed: of("facts"), asked: of("caller"), timed: of("clock"), standIn: standInOf(about, protocol) };
      this.#selections.set(key, selection);
    }
    // What may still change is looked at anew each time.
    if (Object.isFrozen(resource) && Object.isFrozen(resource.labels)) this.#ofResources.set(resource, { protocol, selection });
    return selection;
  }

  /** Facts that may still change are looked at anew each time. */
  #knownOf(facts: ProtocolFacts, selection: Selection): KnownOfSelection {
    if (!Object.isFrozen(facts)) return {};
    let bySelection = this.#known.get(facts);
    if (!bySelection) {
      bySelection = new Map();
      this.#known.set(facts, bySelection);
    }
    let known = bySelection.get(selection);
    if (!known) {
      known = {};
      bySelection.set(selection, known);
    }
    return known;
  }
}

const none: readonly Match[] = [];
/** For a selection in which no rule looks at the caller. */
const nothing = { steps: 0, together: none };

function standInOf(rules: readonly Rule[], protocol: ProtocolName): Selection["standIn"] {
  const { shared, variable }: Pick<Protocol<ProtocolFacts>, "shared" | "variable"> = protocols[protocol];
  const looks = shared === undefined || rules.some(({ condition }) => condition?.facts.has(`${variable}.${shared.but}`));
  return looks ? (facts) => facts : (facts) => shared.of(facts);
}

function matchAnew(known: KnownOfSelection, selection: Selection, scope: Scope, question: Question): readonly Match[] {
  if (known.fixed === undefined) known.fixed = counted(selection.fixed, scope);
  else take(scope.budget, known.fixed.steps);
  const { fixed } = known;
  const together = selection.asked.length === 0 ? fixed.matches : askedOf(known, fixed, selection, question, scope).together;
  const timed = selection.timed.length === 0 ? none : matchAll(selection.timed, scope);
  return timed.length === 0 ? together : byId([...together, ...timed]);
}

function askedOf(known: KnownOfSelection, fixed: Known, selection: Selection, question: Question, scope: Scope): KnownOfCaller {
  const before = callerOf(known, question);
  if (before !== undefined) {
    take(scope.budget, before.steps);
    return before;
  }
  const { principal, reason, role } = question;
  const asked = counted(selection.asked, scope);
  const together = asked.matches.length === 0 ? fixed.matches : byId([...fixed.matches, ...asked.matches]);
  known.asked = { ...asked, principal, reason, role, together };
  return known.asked;
}

/** What was said for the caller who asks, if it is the one who asked last. */
function callerOf({ asked }: KnownOfSelection, { principal, reason, role }: Question): KnownOfCaller | undefined {
  const same = asked?.reason === reason && asked.role === role && isSame(asked.principal, principal);
  return same ? asked : undefined;
}

const principalTexts = new WeakMap<Question["principal"], string>();

/** Each connection of a caller has its own word for it. */
function isSame(one: Question["principal"], other: Question["principal"]): boolean {
  return one === other || textOf(one) === textOf(other);
}

function textOf(principal: Question["principal"]): string {
  let text = principalTexts.get(principal);
  if (text === undefined) {
    const { issuer, subject, groups, claims, owner } = principal;
    text = JSON.stringify([issuer, subject, groups, claims, owner]);
    principalTexts.set(principal, text);
  }
  return text;
}

function byId(matches: Match[]): readonly Match[] {
  return matches.sort((a, b) => (a.rule.id < b.rule.id ? -1 : 1));
}

function counted(rules: readonly Rule[], scope: Scope): Known {
  const before = scope.budget.left;
  const matches = matchAll(rules, scope);
  return { matches, steps: before - scope.budget.left };
}

function matchAll(rules: readonly Rule[], scope: Scope): readonly Match[] {
  const matches: Match[] = [];
  take(scope.budget, factsSteps);
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
  take(scope.budget, part === undefined ? ruleSteps : ruleSteps + part.steps);
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
