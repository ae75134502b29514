import { policyDigest } from "./bundle/bundle.ts";
import type { Digest } from "./canonical.ts";
import type { Allow, Decision } from "./decision.ts";
import type { ProtocolFacts } from "./facts/fact.ts";
import { subjectOf } from "./facts.ts";
import { Budget, OutOfSteps } from "./policy/compile/scope.ts";
import { type Circumstances, conclude, type Match, refuse, verdict } from "./policy/decide.ts";
import { examineRule } from "./policy/examine.ts";
import type { Examined } from "./policy/examined.ts";
import { loadRules } from "./policy/load.ts";
import { Matching } from "./policy/matching.ts";
import type { Question } from "./policy/question.ts";
import type { Rule, RuleSummary } from "./policy/rule.ts";

export type { Condition, PartOptions } from "./policy/condition.ts";
export type { Constant } from "./policy/constant.ts";
export type { Examined, RuleResult } from "./policy/examined.ts";
export { includesOf } from "./policy/include.ts";
export type { Question } from "./policy/question.ts";
export type { RuleApproval, RuleSummary } from "./policy/rule.ts";
export { type Unenforced, unenforced } from "./policy/unenforced.ts";

/** Loaded rules. The same question always gets the same answer, whatever the order of rules and files. */
export interface Policy {
  /** `sha256("countersign/policy/v1\n" ‖ JCS(files))`. */
  readonly digest: Digest;
  /** The texts that it was loaded from, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Every rule, by id. */
  readonly rules: readonly RuleSummary[];
  /** What the rules say about one operation. Never throws: what cannot be decided is denied. */
  decide(question: Question): Decision;
  /**
   * What became of every rule, by id, also of those that are about something else: about the whole operation, or about one of its
   * statements alone (`part`: its index in the facts' `parts`). For explanations; {@link decide} is faster. Never throws.
   */
  examine(question: Question, part?: number): readonly Examined[];
  /** The same rules, each about every resource: for explanations that name none. Nothing that is to run may be decided by it. */
  aboutAnyResource(): Policy;
}

/**
 * Loads policy files (name → text). Files that include others need them among these, see {@link includesOf}.
 *
 * @throws {PolicyError} with every problem as file, line, column, what was found and what is expected.
 */
export function loadPolicy(files: Readonly<Record<string, string>>): Policy {
  return new LoadedPolicy(Object.freeze({ ...files }), loadRules(files));
}

interface Allowed extends Pick<Circumstances, "resource" | "role"> {
  readonly decision: Allow;
}

class LoadedPolicy implements Policy {
  readonly digest: Digest;
  readonly files: Readonly<Record<string, string>>;
  readonly rules: readonly Rule[];
  readonly #matching: Matching;
  /** By the rules that matched, a list that is the same one only for the same facts: an `allow` depends on nothing else but these. */
  readonly #allowed = new WeakMap<readonly Match[], Allowed>();

  constructor(files: Readonly<Record<string, string>>, rules: readonly Rule[]) {
    this.digest = policyDigest(files);
    this.files = files;
    this.rules = rules;
    this.#matching = new Matching(rules);
  }

  decide(question: Question): Decision {
    const { resource, reason, role } = question;
    const { protocol, whole, parts } = subjectOf(question.facts);
    const at = { policyDigest: this.digest, resource, reason, role, protocol };
    const budget = new Budget();
    try {
      if (!parts) return this.#decideOne(this.#matching.match(whole, question, budget), whole, at);
      const verdictOn = (facts: ProtocolFacts) => verdict(this.#matching.match(facts, question, budget), facts, at);
      // Each statement is decided alone. What only holds for all together may deny or ask for more, but never allow.
      const strict = this.#matching
        .match(whole, question, budget)
        .filter(({ rule, error }) => rule.effect !== "allow" || error !== undefined);
      const verdicts = parts.map(verdictOn);
      return conclude(strict.length > 0 ? [...verdicts, verdict(strict, whole, at)] : verdicts, at);
    } catch (error) {
      if (!(error instanceof OutOfSteps)) throw error;
      return refuse(at, [], `The rules could not be evaluated on this, so it is denied: ${error.message}. Ask for less at once.`);
    }
  }

  /** What is allowed is mostly asked for again and again. */
  #decideOne(matches: readonly Match[], facts: ProtocolFacts, at: Circumstances): Decision {
    const { resource, role } = at;
    const before = this.#allowed.get(matches);
    if (before?.resource === resource && before.role === role) return before.decision;
    const decision = conclude([verdict(matches, facts, at)], at);
    // What may still change is looked at anew each time.
    if (decision.effect === "allow" && Object.isFrozen(resource) && Object.isFrozen(resource.roles))
      this.#allowed.set(matches, { resource, role, decision: Object.freeze(decision) });
    return decision;
  }

  examine(question: Question, part?: number): readonly Examined[] {
    return this.rules.map((rule) => examineRule(rule, question, part));
  }

  aboutAnyResource(): Policy {
    return new LoadedPolicy(
      this.files,
      this.rules.map(({ resources: _, ...rule }) => rule),
    );
  }
}
