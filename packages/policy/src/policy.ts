import type { Principal } from "./action.ts";
import { canonicalDigest, type Digest } from "./canonical.ts";
import type { Decision } from "./decision.ts";
import { openDocument, readDocument } from "./document.ts";
import type { SqlFacts } from "./facts/postgres/definition.ts";
import type { Facts } from "./facts.ts";
import { type Condition, ConditionCompiler, ConditionError } from "./policy/condition.ts";
import { conclude, type Match, verdict } from "./policy/decide.ts";
import { factValues, principalValue } from "./policy/environment.ts";
import { createRule, isAbout, type Rule } from "./policy/rule.ts";
import { policySchema } from "./policy/rule-schema.ts";
import { DocumentError, PolicyError, type Problem } from "./problem.ts";

/** What policy is asked about. */
export interface Question {
  readonly resource: {
    readonly name: string;
    readonly type: string;
    readonly labels: Readonly<Record<string, string>>;
    /** The names of its roles. */
    readonly roles: readonly string[];
  };
  readonly principal: Principal;
  readonly facts: Facts;
  /** The agent's own words; untrusted, may be empty. */
  readonly reason: string;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** Loaded rules. The same question always gets the same answer, whatever the order of rules and files. */
export interface Policy {
  /** `sha256("countersign/policy/v1\n" ‖ JCS(files))`. */
  readonly digest: Digest;
  /** The texts that it was loaded from, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** What the rules say about one operation. Never throws: what cannot be decided is denied. */
  decide(question: Question): Decision;
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
  const { rules } = readDocument(document, policySchema);
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
    return createRule(rule, condition);
  });
  if (problems.length > 0) throw new DocumentError(problems);
  return loaded;
}

class LoadedPolicy implements Policy {
  readonly digest: Digest;
  readonly files: Readonly<Record<string, string>>;
  readonly #rules: readonly Rule[];
  /** The rules about a (frozen) resource. */
  readonly #byResource = new WeakMap<Question["resource"], readonly Rule[]>();
  /** What conditions over nothing but facts gave, by the (frozen) facts. */
  readonly #known = new WeakMap<SqlFacts, Map<Rule, Match | false>>();

  constructor(files: Readonly<Record<string, string>>, rules: readonly Rule[]) {
    this.digest = canonicalDigest("countersign/policy/v1", files);
    this.files = files;
    // Decisions list their rules by id, whatever the order of rules and files.
    this.#rules = rules.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  decide(question: Question): Decision {
    const { resource, facts, reason } = question;
    const rules = this.#rulesFor(resource).filter((rule) => rule.protocols.every((protocol) => protocol === facts.protocol));
    const at = { policyDigest: this.digest, resource, reason };
    const about = (sql: SqlFacts) =>
      rules.flatMap((rule) => (rule.onlyFacts ? this.#remember(rule, sql, question) : match(rule, sql, question)) || []);
    if (!facts.parts) return conclude([verdict(about(facts.sql), facts.sql, at)], at);
    // Each statement is decided alone. What only holds for all together may deny or ask for more, but never allow.
    const parts = facts.parts.map((part) => verdict(about(part), part, at));
    const strict = about(facts.sql).filter(({ rule, error }) => rule.effect !== "allow" || error !== undefined);
    return conclude(strict.length > 0 ? [...parts, verdict(strict, facts.sql, at)] : parts, at);
  }

  #rulesFor(resource: Question["resource"]): readonly Rule[] {
    let rules = this.#byResource.get(resource);
    if (!rules) {
      rules = this.#rules.filter((rule) => isAbout(rule, resource));
      if (Object.isFrozen(resource)) this.#byResource.set(resource, rules);
    }
    return rules;
  }

  #remember(rule: Rule, sql: SqlFacts, question: Question): Match | false {
    if (!Object.isFrozen(sql)) return match(rule, sql, question);
    let known = this.#known.get(sql);
    if (!known) {
      known = new Map();
      this.#known.set(sql, known);
    }
    let answer = known.get(rule);
    if (answer === undefined) {
      answer = match(rule, sql, question);
      known.set(rule, answer);
    }
    return answer;
  }
}

function match(rule: Rule, sql: SqlFacts, question: Question): Match | false {
  if (!rule.condition) return { rule };
  try {
    return rule.condition.evaluate(valuesOf(sql, question)) && { rule };
  } catch (error) {
    return { rule, error: error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error) };
  }
}

function valuesOf(sql: SqlFacts, { resource, principal, reason, nowMs }: Question): Record<string, unknown> {
  const { name, type, labels } = resource;
  return {
    ...factValues(sql),
    principal: principalValue(principal),
    resource: { name, type, labels },
    now: new Date(nowMs),
    reason,
  };
}
