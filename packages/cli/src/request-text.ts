import type { CastVote, Limits, Outcome, Principal, RequestDetail, RequestSummary, Requirement, Stage } from "@countersign/rpc";
import { Verdict } from "@countersign/rpc";
import { evidenceLines } from "./evidence-text.ts";
import { boundsText, termsText } from "./grant-text.ts";
import { shownParts } from "./operation-text.ts";
import { planLines } from "./plan-text.ts";
import { stateName } from "./request-state.ts";
import { stateFormats } from "./state-name.ts";
import { mixedScripts, visible, visibleBlock } from "./terminal/escape.ts";
import { bytesText, countText, durationText, timeText } from "./terminal/quantity.ts";
import { paint, type Terminal } from "./terminal/terminal.ts";

/** A request's state, coloured. */
function stateText(terminal: Terminal, summary: Pick<RequestSummary, "state">): string {
  const name = stateName(summary.state);
  return paint(terminal.stdout, stateFormats[name], name);
}

/** A principal in a few words; its name comes from a token. */
function principalText(principal: Principal | undefined): string {
  if (principal === undefined) return "nobody";
  const groups = principal.groups.length > 0 ? `, in ${principal.groups.map(visible).join(", ")}` : "";
  return `${visible(principal.subject)} (by ${visible(principal.issuer)}${groups})`;
}

/** Everything that an approver needs to decide, as lines. */
export function requestText(terminal: Terminal, detail: RequestDetail): readonly string[] {
  const { summary } = detail;
  const isPlan = detail.plan.length > 0;
  const heading = (text: string): string => paint(terminal.stdout, "bold", text);
  const indented = (text: string): string[] => text.split("\n").map((one) => `  ${one}`);
  const what = isPlan
    ? ["", heading(`Plan: ${countText(detail.plan.length, "line")}, in this order`), ...planLines(detail.plan)]
    : operationLines(heading, detail.operation);
  const suspicious = mixedScripts(what.join("\n"));
  const facts: readonly (readonly [string, string])[] = [
    [
      "request",
      `${summary?.id ?? ""}  ${summary === undefined ? "" : stateText(terminal, summary)}${waiting(terminal, summary)}`,
    ],
    ["asked by", principalText(summary?.principal)],
    ["resource", `${visible(summary?.resource ?? "")}, as ${visible(detail.role)}`],
    ...Object.entries(detail.target).map(
      ([key, value], index) => [index === 0 ? "target" : "", `${visible(key)} ${visible(value)}`] as const,
    ),
    ["limits", limitsText(detail.limits)],
    ["session", visible(detail.session)],
    ["replaces", detail.replaces === "" ? "" : `${visible(detail.replaces)}: ${visible(detail.replacesWhy)}`],
    ["replaced", detail.replacedBy === "" ? "" : `by ${visible(detail.replacedBy)}`],
    ["digest", detail.requestDigest],
    ["policy", detail.policyDigest],
  ];
  return [
    ...emergencyLines(terminal, summary),
    ...facts
      .filter(([, text]) => text !== "")
      .map(([label, text]) => `${paint(terminal.stdout, "gray", label.padEnd(9))} ${text}`),
    ...what,
    ...(suspicious.length > 0
      ? ["", paint(terminal.stdout, "red", `Beware: letters of several scripts are mixed in ${suspicious.join(", ")}`)]
      : []),
    ...(detail.reason === "" ? [] : ["", heading("Reason, in the agent's own words"), ...indented(visibleBlock(detail.reason))]),
    "",
    heading("Held by"),
    ...detail.requirements.map((one) => `  ${requirementText(one)}`),
    ...(detail.grants === undefined || detail.outcome !== undefined
      ? []
      : ["", heading("May be granted"), ...boundsText(detail.grants).map((one) => `  ${one}`)]),
    ...evidenceLines(heading, detail),
    ...(detail.votes.length > 0 ? ["", heading("Votes"), ...detail.votes.flatMap(voteLines)] : []),
    ...(detail.history.length > 1
      ? [
          "",
          heading("History"),
          ...detail.history.map((one) => `  ${timeText(one.timeMs)}  ${stateName(one.state)}, by ${visible(one.by)}`),
        ]
      : []),
    ...outcomeLines(heading, detail),
  ];
}

function operationLines(heading: (text: string) => string, operation: RequestDetail["operation"]): readonly string[] {
  return shownParts(operation).flatMap(({ name, lines }) => ["", heading(name), ...lines.map((one) => `  ${one}`)]);
}

/** What somebody approved alone is the first thing to be seen. */
function emergencyLines(terminal: Terminal, summary: RequestSummary | undefined): readonly string[] {
  if (summary?.brokeGlass !== true) return [];
  const loud = (text: string): string => paint(terminal.stdout, ["red", "bold"], text);
  return [loud(`EMERGENCY: somebody approved this alone. ${reviewText(terminal, summary)}`), ""];
}

/** Whether an emergency was reviewed, and until when it should be. */
function reviewText(terminal: Pick<Terminal, "now">, { reviewDueMs }: RequestSummary): string {
  if (reviewDueMs === undefined) return "It was reviewed.";
  const left = reviewDueMs - terminal.now();
  return left > 0
    ? `Somebody else has to review it within ${durationText(left)}.`
    : `Its review is OVERDUE by ${durationText(-left)}.`;
}

function waiting(terminal: Terminal, summary: RequestSummary | undefined): string {
  if (summary === undefined || stateName(summary.state) !== "pending") return "";
  const reminded = summary.reminded === undefined ? "" : `, people were reminded ${countText(summary.reminded, "time")}`;
  return `, expires in ${durationText(summary.expiresMs - terminal.now())}${reminded}`;
}

function limitsText(limits: Limits | undefined): string {
  if (limits === undefined) return "";
  const parts = [
    limits.rows > 0 ? countText(limits.rows, "row") : "",
    limits.bytes > 0 ? bytesText(limits.bytes) : "",
    limits.timeMs > 0 ? durationText(limits.timeMs) : "",
  ];
  return parts.filter((one) => one !== "").join(", ");
}

/** What one rule asks for, and how far it is. */
export function requirementText(requirement: Requirement): string {
  const stages = requirement.stages.map(stageText).join(", then ");
  return `${visible(requirement.rule)}: ${stages}`;
}

function stageText(stage: Stage): string {
  return `${stage.approved} of ${stage.count} from ${stage.approvers.map(visible).join(" or ")}`;
}

function voteLines(vote: CastVote): readonly string[] {
  const grant = vote.grant === undefined ? [] : [`    with a grant: ${termsText(vote.grant).join("; ")}`];
  return [`  ${voteText(vote)}`, ...grant];
}

function voteText(vote: CastVote): string {
  const verdict = vote.verdict === Verdict.APPROVE ? "approved" : "denied";
  const comment = vote.comment === "" ? "" : `: ${visible(vote.comment)}`;
  const alone = vote.breakGlass ? " ALONE, IN AN EMERGENCY" : "";
  const others = vote.actingFor.length === 0 ? "" : ` (who votes for ${vote.actingFor.map(visible).join(", ")})`;
  return `${timeText(vote.timeMs)}  ${principalText(vote.approver)}${others} ${verdict}${alone}${comment}`;
}

function outcomeLines(heading: (text: string) => string, { outcome }: RequestDetail): readonly string[] {
  if (outcome === undefined) return [];
  const error = outcome.error === undefined ? [] : [`  ${visible(outcome.error.code)}: ${visible(outcome.error.message)}`];
  const result = resultText(outcome);
  const ran = result === "" ? [] : [`  ${result} in ${durationText(outcome.durationMs)}`];
  const proof = outcome.receipt === undefined ? [] : [`  audit record ${outcome.receipt.logIndex}`];
  return ["", heading("Outcome"), `  ${stateName(outcome.state)}`, ...ran, ...error, ...proof];
}

/** What the target said of it, in its own terms. */
function resultText({ commandTag, exitCode, signal, status }: Outcome): string {
  if (exitCode !== undefined) return `exit status ${exitCode}`;
  if (signal !== "") return `ended by signal ${visible(signal)}`;
  return status > 0 ? `HTTP status ${status}` : visible(commandTag);
}
