import { DocumentError, PolicyError, type Problem } from "../problem.ts";
import { ConditionLoader } from "./condition-loader.ts";
import { createRule } from "./create-rule.ts";
import { openFiles, type PolicyFile } from "./policy-file.ts";
import type { Rule } from "./rule.ts";

/**
 * Loads the rules of policy files (name → text), by id: decisions list them so, whatever the order of rules and files.
 *
 * @throws {PolicyError} with every problem as file, line, column, what was found and what is expected.
 */
export function loadRules(texts: Readonly<Record<string, string>>): readonly Rule[] {
  if (Object.keys(texts).length === 0)
    throw new PolicyError([{ file: "(policy)", line: 1, column: 1, message: "no policy file was given" }]);
  try {
    return load(openFiles(texts));
  } catch (error) {
    throw error instanceof DocumentError ? new PolicyError(inOrder(error.problems)) : error;
  }
}

function load(files: readonly PolicyFile[]): readonly Rule[] {
  const conditions = new ConditionLoader();
  const taken = new Map<string, Problem>();
  const rules = files.flatMap((file) => {
    conditions.define(file);
    return rulesOf(file, conditions, taken);
  });
  conditions.compile();
  if (conditions.problems.length > 0) throw new DocumentError(conditions.problems);
  return rules.map((rule) => rule()).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A file's rules, to be made when all conditions are compiled. */
function rulesOf(file: PolicyFile, conditions: ConditionLoader, taken: Map<string, Problem>): readonly (() => Rule)[] {
  const { document, text } = file;
  return (text.rules ?? []).map((rule, index) => {
    const here = document.problem(["rules", index, "id"], "");
    const first = taken.get(rule.id);
    if (first)
      conditions.problems.push({ ...here, message: `the id "${rule.id}" is taken by the rule at ${first.file}:${first.line}` });
    taken.set(rule.id, first ?? here);
    const condition = rule.when === undefined ? undefined : conditions.check(file, ["rules", index, "when"], rule.when);
    return () => createRule({ ...rule, private: rule.private === true || text.private === true }, here, condition);
  });
}

/** By place, each once: a file that several include is looked at several times. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const texts = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...texts.values()].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}
