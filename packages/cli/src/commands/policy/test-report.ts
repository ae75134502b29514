import { relative } from "node:path";
import { type ExplainedRule, type Explanation, explain, type Policy, type TrialResult } from "@countersign/policy";
import { visible, visibleBlock } from "../../terminal/escape.ts";
import { countText } from "../../terminal/quantity.ts";
import { truncate } from "../../terminal/table.ts";
import { line, paint, type Terminal } from "../../terminal/terminal.ts";
import type { TestedPolicy } from "./test.ts";

/** What failed and why, how much of each policy the tests put to the proof, and a summary. */
export function printReport(terminal: Terminal, policies: readonly TestedPolicy[], minimum: number): void {
  const { stdout } = terminal;
  const results = policies.flatMap(({ files }) => files.flatMap((file) => file.results));
  const failed = results.filter(({ differences }) => differences.length > 0);
  for (const { policy, files } of policies)
    for (const result of files.flatMap((file) => file.results))
      if (result.differences.length > 0) printFailure(terminal, policy, result);
  for (const policy of policies) printCoverage(terminal, policy, minimum);
  const passed = `${results.length - failed.length} passed`;
  const summary =
    failed.length === 0 ? paint(stdout, "green", passed) : `${paint(stdout, "red", `${failed.length} failed`)}, ${passed}`;
  line(stdout, `${countText(results.length, "test")}: ${summary}`);
}

function printFailure(terminal: Terminal, policy: Policy, result: TrialResult): void {
  const { trial, differences } = result;
  const { stdout } = terminal;
  const { file, line: at, column } = trial.place;
  line(stdout, `${paint(stdout, "red", "FAIL")}  ${visible(trial.name)}`);
  line(stdout, `      ${paint(stdout, "gray", `${shown(terminal, file)}:${at}:${column}`)}`);
  for (const text of visibleBlock(shortened(trial.text)).split("\n")) line(stdout, `      ${text}`);
  const width = Math.max(...differences.map(({ field }) => field.length));
  for (const { field, expected, got } of differences) {
    const name = `      ${field.padEnd(width)}`;
    line(stdout, `${name}  ${paint(stdout, "green", `expected ${visible(expected)}`)}`);
    line(stdout, `${" ".repeat(name.length)}  ${paint(stdout, "red", `got      ${visible(got)}`)}`);
  }
  for (const text of why(policy, result)) line(stdout, `      ${paint(stdout, "gray", text)}`);
  line(stdout);
}

/** What became of the rules that decided, of those that were to decide, and of others with the effect that was expected. */
function why(policy: Policy, { trial, verdict, question }: TrialResult): readonly string[] {
  if ("error" in verdict) return [`No rule was asked: ${visible(verdict.error.message)}`];
  const { effect, rules, message } = verdict.decision;
  const first = `${effect} by ${rules.join(", ") || "no rule"}${message === undefined ? "" : `: ${visible(message)}`}`;
  if (question === undefined) return [first];
  const { examined, parts } = explain(policy, question);
  const lines = parts.length === 0 ? ruleLines(examined, trial) : parts.flatMap((part) => ruleLines(part.examined, trial));
  return [first, ...new Set(lines)];
}

const maxRules = 6;
const maxReason = 160;

function ruleLines(examined: Explanation["examined"], { expected }: TrialResult["trial"]): readonly string[] {
  const isAsked = ({ result }: ExplainedRule): boolean => result !== "other_resource" && result !== "other_protocol";
  const isTold = (rule: ExplainedRule): boolean =>
    rule.decided || expected.rules?.includes(rule.id) === true || (rule.effect === expected.effect && isAsked(rule));
  return examined
    .filter(isTold)
    .slice(0, maxRules)
    .map(({ id, because }) => `  ${id}: ${truncate(visible(because), maxReason)}`);
}

function printCoverage(terminal: Terminal, { paths, coverage }: TestedPolicy, minimum: number): void {
  const { stdout } = terminal;
  const { decided, outdone, unmatched, percent } = coverage;
  const total = decided.length + outdone.length + unmatched.length;
  const share = `${percentText(percent)} of rules decided a test`;
  const enough = percent >= minimum;
  const names = paths.map((path) => shown(terminal, path)).join(", ");
  line(
    stdout,
    `${names}: ${decided.length} of ${total}, ${paint(stdout, enough ? "green" : "red", share)}` +
      `${enough ? "" : ` (at least ${percentText(minimum)} are asked for)`}`,
  );
  if (unmatched.length > 0) line(stdout, `  never matched: ${unmatched.join(", ")}`);
  if (outdone.length > 0) line(stdout, `  matched, but never decided: ${outdone.join(", ")}`);
}

/** Everything, for programs. */
export function printJson({ stdout }: Terminal, policies: readonly TestedPolicy[], passed: boolean): void {
  const report = {
    passed,
    policies: policies.map(({ paths, policy, coverage, files }) => ({
      files: paths,
      digest: policy.digest,
      coverage,
      tests: files.flatMap(({ results }) => results.map(resultJson)),
    })),
  };
  line(stdout, JSON.stringify(report, null, 2));
}

function resultJson({ trial, differences, verdict }: TrialResult) {
  const { name, place, operation } = trial;
  const outcome =
    "error" in verdict ? { error: { code: verdict.error.code, message: verdict.error.message } } : { decision: verdict.decision };
  return { name, ...place, operation, passed: differences.length === 0, differences, ...outcome };
}

const maxText = 500;

function shortened(text: string): string {
  return text.length > maxText ? `${text.slice(0, maxText).toWellFormed()}…` : text;
}

function percentText(percent: number): string {
  return `${Math.floor(percent * 10) / 10} %`;
}

function shown({ cwd }: Terminal, path: string): string {
  const below = relative(cwd, path);
  return below === "" || below.startsWith("..") ? path : below;
}
