import {
  type Asking,
  type ExplainedRule,
  type Explanation,
  type Facts,
  limitWords,
  stageWords,
  subjectOf,
} from "@countersign/policy";
import { visible } from "../../terminal/escape.ts";
import { type Format, paint, type Screen } from "../../terminal/terminal.ts";
import { conditionLines } from "./condition-text.ts";

const effectFormats = { allow: "green", review: "yellow", deny: "red" } as const satisfies Readonly<
  Record<Explanation["effect"], Format>
>;

/** An explanation as lines for people. Nothing in it acts on the terminal, whatever the operation holds. */
export function explanationText(screen: Screen, explanation: Explanation, asking: Asking): readonly string[] {
  const { facts, parts } = explanation;
  return [
    ...decisionLines(screen, explanation),
    ...(asking.resource === undefined ? [paint(screen, "gray", openNote(asking))] : []),
    ...(facts ? ["", heading(screen, "Facts"), ...factLines(screen, facts)] : []),
    ...parts.flatMap((part, index) => partLines(screen, part, index + 1)),
    ...allRuleLines(screen, explanation, parts.length > 0 ? "Rules, about all together" : "Rules"),
  ];
}

function openNote({ roles }: Asking): string {
  const note = "No --resource is given: rules count whatever resources they are about";
  return roles === undefined ? `${note}, and whatever role they name is there.` : `${note}.`;
}

function heading(screen: Screen, text: string): string {
  return paint(screen, "bold", text);
}

function decisionLines(
  screen: Screen,
  { effect, role, limits, approval, message, opaque, doubts = [], error }: Explanation,
): readonly string[] {
  const title = paint(screen, ["bold", effectFormats[effect]], effect.toUpperCase());
  const details = [
    ...(role === undefined ? [] : [`as ${visible(role)}`]),
    ...(limits === undefined || Object.keys(limits).length === 0 ? [] : [`at most ${limitWords(limits)}`]),
  ];
  return [
    [title, ...details].join("  "),
    ...(message === undefined ? [] : [`  ${visible(message)}`]),
    ...(approval?.requirements ?? []).map(({ rule, stages }) => `  ${rule} asks for ${visible(stageWords(stages))}`),
    ...(approval?.justification === "required" ? ["  with a reason by the caller"] : []),
    ...(approval?.signature === undefined ? [] : [`  signed with a ${approval.signature}`]),
    ...(error ? [paint(screen, "gray", `  Refused before any rule was asked (${error.code}).`)] : []),
    ...(opaque && !error
      ? [paint(screen, "yellow", "  Not fully understood:"), ...doubts.map((doubt) => `    ${visible(doubt)}`)]
      : []),
  ];
}

/** Said elsewhere, or by the caller itself. */
const leftOut: ReadonlySet<string> = new Set(["opaque", "doubts", "text"]);

/** What there is; empty texts and lists are left out. */
function factLines(screen: Screen, facts: Facts): readonly string[] {
  const { protocol, whole } = subjectOf(facts);
  const rows = Object.entries(whole).filter(([name, value]) => !leftOut.has(name) && !isEmpty(value));
  const size = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => {
    const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
    const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
    return `  ${paint(screen, "gray", `${protocol.variable}.`)}${name.padEnd(size)}  ${visible(short)}`;
  });
}

function isEmpty(value: unknown): boolean {
  return value === "" || value === null || (typeof value === "object" && Object.keys(value ?? {}).length === 0);
}

/** One of several statements: what it is, the decision about it alone, and the rules that made it. */
function partLines(screen: Screen, part: Explanation, number: number): readonly string[] {
  if (!part.facts) return [];
  const { protocol, whole } = subjectOf(part.facts);
  const text = "text" in whole && typeof whole.text === "string" ? whole.text.replace(/\s+/g, " ").slice(0, 60) : "";
  const summary = text.trim() || protocol.summary(whole);
  const [decision = "", ...details] = decisionLines(screen, part);
  const { decided, others } = sorted(part);
  // Denied by no rule: then the reason is in those that did not match.
  const shown =
    decided.length > 0 ? decided.flatMap((rule) => detailed(screen, rule)) : others.flatMap((rule) => ruleLines(screen, rule));
  return [
    "",
    `${heading(screen, `Part ${number}`)}  ${visible(summary)}`,
    ...[decision, ...details, ...shown].map((one) => `  ${one}`),
  ];
}

/** Those that decided, those that did not, and those that are about something else. */
function sorted({ examined }: Explanation) {
  const elsewhere = examined.filter(({ result }) => result === "other_resource" || result === "other_protocol");
  const decided = examined.filter((rule) => rule.decided);
  return { decided, elsewhere, others: examined.filter((rule) => !decided.includes(rule) && !elsewhere.includes(rule)) };
}

function allRuleLines(screen: Screen, explanation: Explanation, title: string): readonly string[] {
  if (explanation.examined.length === 0) return [];
  const { decided, others, elsewhere } = sorted(explanation);
  const ids = elsewhere.map(({ id }) => id).join(", ");
  return [
    "",
    heading(screen, title),
    ...decided.flatMap((rule) => detailed(screen, rule)),
    ...others.flatMap((rule) => ruleLines(screen, rule)),
    ...(elsewhere.length > 0 ? [paint(screen, "gray", `  About other resources or types of operation: ${ids}`)] : []),
  ];
}

/** A rule with its condition taken apart, where there is more to it than one line says. */
function detailed(screen: Screen, rule: ExplainedRule): readonly string[] {
  const { condition } = rule;
  if (!condition?.parts) return ruleLines(screen, rule);
  return [ruleLine(screen, rule), ...conditionLines(screen, condition, 3)];
}

/** How each result is told. */
const results = {
  matched: ["✓", "green", "matched"],
  not_matched: ["✗", "gray", "not matched"],
  failed: ["!", "red", "could not be evaluated, so it denies"],
  other_resource: ["·", "gray", "not about this resource"],
  other_protocol: ["·", "gray", "not about this type of operation"],
  opaque: ["✗", "yellow", "matched, but does not count"],
  unnamed: ["✗", "yellow", "matched, but does not count"],
  only_parts_count: ["·", "gray", "matched, but does not count"],
} as const satisfies Readonly<Record<ExplainedRule["result"], readonly [mark: string, format: Format, words: string]>>;

/** `✗ reads-are-free (policy.yaml:4)  allow, not matched: sql.readOnly is false` */
function ruleLine(screen: Screen, { id, file, line, effect, result }: ExplainedRule, because = ""): string {
  const [mark, format, words] = results[result];
  const place = paint(screen, "gray", `(${visible(file)}:${line})`);
  return `  ${paint(screen, format, mark)} ${id} ${place}  ${effect}, ${words}${because === "" ? "" : `: ${visible(because)}`}`;
}

/** A rule with why it came out so: on its line, or below it where there are several reasons. */
function ruleLines(screen: Screen, rule: ExplainedRule): readonly string[] {
  const plain = rule.result === "matched" || rule.result === "not_matched" || rule.result === "failed";
  if (!plain || rule.reasons.length < 2) return [ruleLine(screen, rule, rule.because)];
  return [ruleLine(screen, rule), ...rule.reasons.map(({ says }) => `      ${visible(says)}`)];
}
