import { type Change, limitWords, type RecordedDecision, type SimulatedGroup, stageWords } from "@countersign/policy";
import { visible } from "../../terminal/escape.ts";
import { countText, timeText } from "../../terminal/quantity.ts";
import { truncate } from "../../terminal/table.ts";
import { type Format, line, paint, type Terminal } from "../../terminal/terminal.ts";
import type { NotReplayed, Simulated } from "./simulate.ts";

/** What a change is called, and how it is coloured: red is what lets more through. */
const headings: Readonly<Record<Change, readonly [text: string, format: Format]>> = {
  "newly-runs": ["Would newly run without a person", "red"],
  "newly-approvable": ["Were refused, would newly wait for a person", "yellow"],
  looser: ["Would run or wait on looser terms", "yellow"],
  different: ["Would run or wait on other terms", "yellow"],
  stricter: ["Would run or wait on stricter terms", "green"],
  "newly-waits": ["Ran at once, would newly wait for a person", "green"],
  "newly-refused": ["Would newly be refused", "green"],
};

/** What would be different, the most dangerous first, and what nothing can be said about. */
export function printReport(terminal: Terminal, { period, report, notReplayed }: Simulated): void {
  const { stdout } = terminal;
  line(
    stdout,
    `${countText(report.replayed, "action")} from ${timeText(period.sinceMs)} to ${timeText(period.untilMs)} ` +
      `${report.replayed === 1 ? "was" : "were"} held against the draft; ${report.unchanged} would be decided as before.`,
  );
  for (const [change, [text, format]] of headingEntries()) {
    const groups = report.groups.filter((group) => group.change === change);
    const rest = report.ungrouped[change] ?? 0;
    const count = groups.reduce((sum, group) => sum + group.count, rest);
    if (count === 0) continue;
    line(stdout);
    line(stdout, `${paint(stdout, format, text)}: ${countText(count, "action")}`);
    for (const group of groups) printGroup(terminal, group);
    if (rest > 0) line(stdout, `  and ${countText(rest, "action")} of further kinds, which are too many to list`);
  }
  const unsaid = [...claimWords(report.claims.count, report.claims.rules), ...notReplayedWords(notReplayed)];
  if (unsaid.length > 0) line(stdout);
  for (const text of unsaid) line(stdout, paint(stdout, "gray", text));
}

function headingEntries(): readonly (readonly [Change, readonly [string, Format]])[] {
  const known = (name: string): name is Change => Object.hasOwn(headings, name);
  return Object.entries(headings).flatMap(([change, heading]) => (known(change) ? [[change, heading] as const] : []));
}

const exampleColumns = 160;

function printGroup({ stdout }: Terminal, group: SimulatedGroup): void {
  const { count, resource, example, principals, morePrincipals, was, now, message } = group;
  const text = truncate(visible(example.replace(/\s+/g, " ").trim()), exampleColumns);
  const who = `${principals.map(visible).join(", ")}${morePrincipals ? " and others" : ""}`;
  line(stdout, `  ${count} × on ${visible(resource)}, by ${who}`);
  line(stdout, `      ${text}`);
  line(stdout, `      was  ${decisionWords(was)}`);
  const why = message === undefined || now.rules.length > 0 ? "" : ` (${truncate(visible(message), exampleColumns)})`;
  line(stdout, `      now  ${decisionWords(now)}${why}`);
}

function decisionWords({ effect, rules, role, limits, requirements }: RecordedDecision): string {
  const limited = limits === undefined ? "none" : limitWords(limits);
  return [
    `${effect} by ${rules.map(visible).join(", ") || "no rule"}`,
    ...(role === undefined ? [] : [`as ${visible(role)}`]),
    ...(limited === "none" ? [] : [`at most ${limited}`]),
    ...(requirements ?? []).map(({ stages }) => visible(stageWords(stages))),
  ].join("; ");
}

function claimWords(count: number, rules: readonly string[]): readonly string[] {
  if (count === 0) return [];
  return [
    `Nothing is said about ${countText(count, "action")}: ${rules.join(", ")} looks at principal.claims, which are not recorded.`,
  ];
}

function notReplayedWords({ erased, unreadable, "not-kept": notKept, undecided, notConfigured }: NotReplayed): readonly string[] {
  const elsewhere = Object.entries(notConfigured).map(([name, count]) => `${visible(name)} (${count})`);
  return [
    ...(erased > 0 ? [`${countText(erased, "action")} not replayed: what was asked has been erased.`] : []),
    ...(unreadable > 0
      ? [`${countText(unreadable, "action")} not replayed: what was asked cannot be read with this folder's key.`]
      : []),
    ...(notKept > 0 ? [`${countText(notKept, "action")} not replayed: what was asked was too large to keep.`] : []),
    ...(undecided > 0 ? [`${countText(undecided, "call")} not replayed: refused for what no rule says.`] : []),
    ...(elsewhere.length > 0 ? [`Not replayed, on resources that are not configured: ${elsewhere.join(", ")}.`] : []),
  ];
}

/** Everything, for programs. */
export function printJson({ stdout }: Terminal, { period, draft, report, notReplayed }: Simulated): void {
  const { sinceMs, untilMs } = period;
  const { erased, unreadable, "not-kept": notKept, undecided, notConfigured } = notReplayed;
  const document = {
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    draft: { files: Object.keys(draft.files).sort(), digest: draft.digest },
    ...report,
    notReplayed: { erased, unreadable, notKept, undecided, notConfigured },
  };
  line(stdout, JSON.stringify(document, null, 2));
}
