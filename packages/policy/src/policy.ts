import { LRUCache } from "lru-cache";
import { canonicalDigest, type Digest } from "./canonical.ts";
import type { Decision } from "./decision.ts";
import { readDocument } from "./document.ts";
import type { ProtocolFacts } from "./facts/fact.ts";
import { subjectOf } from "./facts.ts";
import { openDocument } from "./open-document.ts";
import { type Condition, ConditionCompiler, ConditionError, valuesOf } from "./policy/condition.ts";
import { createRule } from "./policy/create-rule.ts";
import { conclude, type Match, unnamed, verdict } from "./policy/decide.ts";
import type { Examined } from "./policy/examined.ts";
import { policySchema } from "./policy/file-schema.ts";
import type { Question } from "./policy/question.ts";
import { isAbout, type Rule, type RuleSummary } from "./policy/rule.ts";
import { DocumentError, PolicyError, type Problem } from "./problem.ts";

export type { Condition, Constant, PartOptions } from "./policy/condition.ts";
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
 * Loads policy files (name → text).
 *
 * @throws {PolicyError} with every problem as file, line, column, what was found and what is expected.
 */
export function loadPolicy(files: Readonly<Record<string, string>>): Policy {
  const names = Object.keys(files).sort();
  if (names.length === 0) throw new PolicyError([{ file: "(policy)", line: 1, column: 1, message: "no policy file was given" }]);
  const compiler = new ConditionCompiler();
  const problems: Problem[] = [];
  const rules: Rule[] = [];
  const idsAt = new Map<string, Problem>();
  for (const name of names) {
    try {
      rules.push(...loadFile(name, files[name] ?? "", compiler, idsAt));
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new PolicyError(problems);
  return new LoadedPolicy(Object.freeze({ ...files }), rules);
}

function loadFile(file: string, text: string, compiler: ConditionCompiler, idsAt: Map<string, Problem>): readonly Rule[] {
  const document = openDocument(file, text);
  const { rules = [] } = readDocument(document, policySchema);
  const problems: Problem[] = [];
  const loaded = rules.map((rule, index) => {
    const first = idsAt.get(rule.id);
    const here = document.problem(["rules", index, "id"], "");
    if (first) problems.push({ ...here, message: `the id "${rule.id}" is taken by the rule at ${first.file}:${first.line}` });
    idsAt.set(rule.id, first ?? here);
    let condition: Condition | undefined;
    try {
      condition = rule.when === undefined ? undefined : compiler.compile(rule.when);
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      problems.push(document.problem(["rules", index, "when"], error.message, error.offset));
    }
    return createRule(rule, here, condition);
  });
  if (problems.length > 0) throw new DocumentError(problems);
  return loaded;
}

/** The rules about one resource, by id. */
interface Selection {
  /** Those that look at nothing but facts: the same facts always give the same answer. */
  readonly fixed: readonly Rule[];
  readonly varying: readonly Rule[];
}

class LoadedPolicy implements Policy {
  readonly digest: Digest;
  readonly files: Readonly<Record<string, string>>;
  readonly rules: readonly RuleSummary[];
  readonly #rules: readonly Rule[];
  /** By all that selectors look at; there are as many as configured resources. */
  readonly #selections = new LRUCache<string, Selection>({ max: 1000 });
  /** Which fixed rules match (frozen) facts. */
  readonly #matches = new WeakMap<ProtocolFacts, Map<Selection, readonly Match[]>>();

  constructor(files: Readonly<Record<string, string>>, rules: readonly Rule[]) {
    this.digest = canonicalDigest("countersign/policy/v1", files);
    this.files = files;
    // Decisions list their rules by id, whatever the order of rules and files.
    this.#rules = rules.toSorted(byId);
    this.rules = this.#rules;
  }

  examine(question: Question, part?: number): readonly Examined[] {
    const { protocol, whole, parts } = subjectOf(question.facts);
    const facts = part === undefined ? whole : parts?.[part];
    if (facts === undefined) return [];
    return this.#rules.map((rule): Examined => {
      if (!isAbout(rule, question.resource)) return { rule, result: "other_resource" };
      if (!rule.protocols.every((name) => name === question.facts.protocol)) return { rule, result: "other_protocol" };
      const found = match(rule, facts, question);
      if (!found) return { rule, result: "not_matched" };
      if (found.error !== undefined) return { rule, result: "failed", error: found.error };
      if (rule.effect !== "allow") return { rule, result: "matched" };
      if (parts && part === undefined) return { rule, result: "only_parts_count" };
      const missing = unnamed(rule, facts, protocol);
      if (missing.length > 0) return { rule, result: "unnamed", unnamed: missing };
      return { rule, result: facts.opaque && !rule.opaque ? "opaque" : "matched" };
    });
  }

  aboutAnyResource(): Policy {
    return new LoadedPolicy(
      this.files,
      this.#rules.map(({ resources: _, ...rule }) => rule),
    );
  }

  decide(question: Question): Decision {
    const { resource, reason, role } = question;
    const { protocol, whole, parts } = subjectOf(question.facts);
    const selection = this.#select(resource);
    const at = { policyDigest: this.digest, resource, reason, role, protocol };
    const verdictOn = (facts: ProtocolFacts) => verdict(this.#match(facts, selection, question), facts, at);
    if (!parts) return conclude([verdictOn(whole)], at);
    // Each statement is decided alone. What only holds for all together may deny or ask for more, but never allow.
    const strict = this.#match(whole, selection, question).filter(
      ({ rule, error }) => rule.effect !== "allow" || error !== undefined,
    );
    const verdicts = parts.map(verdictOn);
    return conclude(strict.length > 0 ? [...verdicts, verdict(strict, whole, at)] : verdicts, at);
  }

  #select(resource: Question["resource"]): Selection {
    const key = JSON.stringify([resource.name, resource.labels]);
    let selection = this.#selections.get(key);
    if (!selection) {
      const about = this.#rules.filter((rule) => isAbout(rule, resource));
      selection = { fixed: about.filter((rule) => rule.onlyFacts), varying: about.filter((rule) => !rule.onlyFacts) };
      this.#selections.set(key, selection);
    }
    return selection;
  }

  #match(facts: ProtocolFacts, selection: Selection, question: Question): readonly Match[] {
    const fixed = this.#matchFixed(facts, selection, question);
    const varying = matchAll(selection.varying, facts, question);
    if (varying.length === 0) return fixed;
    return [...fixed, ...varying].sort((a, b) => byId(a.rule, b.rule));
  }

  #matchFixed(facts: ProtocolFacts, selection: Selection, question: Question): readonly Match[] {
    let known = this.#matches.get(facts);
    const before = known?.get(selection);
    if (before) return before;
    const matches = matchAll(selection.fixed, facts, question);
    if (!Object.isFrozen(facts)) return matches;
    if (!known) {
      known = new Map();
      this.#matches.set(facts, known);
    }
    known.set(selection, matches);
    return matches;
  }
}

function byId(a: Rule, b: Rule): number {
  return a.id < b.id ? -1 : 1;
}

function matchAll(rules: readonly Rule[], facts: ProtocolFacts, question: Question): readonly Match[] {
  const matches: Match[] = [];
  for (const rule of rules) {
    if (!rule.protocols.every((protocol) => protocol === question.facts.protocol)) continue;
    const found = match(rule, facts, question);
    if (found) matches.push(found);
  }
  return matches;
}

function match(rule: Rule, facts: ProtocolFacts, question: Question): Match | false {
  if (!rule.condition) return { rule };
  try {
    return rule.condition.evaluate(valuesOf(facts, question)) && { rule };
  } catch (error) {
    return { rule, error: error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error) };
  }
}
