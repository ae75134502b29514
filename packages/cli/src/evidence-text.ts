import type { CellValue, Evidence, FieldChanges, PastDecision, RequestDetail, RowChange } from "@countersign/rpc";
import { stateName } from "./request-state.ts";
import { visible, visibleBlock } from "./terminal/escape.ts";
import { countText, timeText } from "./terminal/quantity.ts";

/** What a request would do, as far as it was found out, and what became of earlier ones that are like it. The values are from outside. */
export function evidenceLines(heading: (text: string) => string, { evidence, past }: RequestDetail): readonly string[] {
  return [
    ...(evidence === undefined ? [] : ["", heading("What it would do"), ...foundLines(evidence).map((one) => `  ${one}`)]),
    ...(past.length === 0 ? [] : ["", heading("Asked before"), ...past.map((one) => `  ${pastText(one)}`)]),
  ];
}

function foundLines(evidence: Evidence): readonly string[] {
  const { failure, plan, estimatedRows, affectedRows, sample, difference, locks, changes, about, notes } = evidence;
  const told = locks.length + about.length > 0 || affectedRows !== undefined || changes !== undefined;
  const isNothing = [failure, plan, difference].every((text) => text === "") && !told;
  return [
    ...(failure !== "" || isNothing
      ? [`NOT FOUND OUT, which does not mean "no effect"${failure === "" ? "" : `: ${visible(failure)}`}`]
      : []),
    ...(affectedRows === undefined ? [] : [`When it was tried and rolled back, it changed ${countText(affectedRows, "row")}.`]),
    ...(estimatedRows === undefined ? [] : [`PostgreSQL expects about ${countText(estimatedRows, "row")}.`]),
    ...(locks.length === 0
      ? []
      : ["While it waits, the client's open transaction holds", ...locks.map((one) => `  ${visible(one)}`)]),
    ...notes.map(visible),
    ...about.map(({ name, text }) => `${visible(name)}: ${visible(text)}`),
    ...(changes === undefined ? [] : changeLines(changes)),
    ...sample.flatMap(rowLines),
    ...(sample.length > 0 && affectedRows !== undefined && affectedRows > sample.length
      ? [`… and ${countText(affectedRows - sample.length, "more row")}`]
      : []),
    ...block("Plan", plan),
    ...block("Difference", difference),
  ];
}

/** What the target itself said when it tried without storing anything. */
function changeLines({ fields, more }: FieldChanges): readonly string[] {
  if (fields.length + more === 0) return ["Tried without storing anything, it would change nothing, as things are."];
  return [
    `Tried without storing anything, it would change ${countText(fields.length + more, "field")}:`,
    ...fields.map(({ path, before, after }) => `  ${visible(path)}: ${sideText(before, "new")} → ${sideText(after, "removed")}`),
    ...(more > 0 ? [`  … and ${countText(more, "more field")}`] : []),
  ];
}

/** A value is JSON, so that no text can look like a word of ours. */
function sideText(side: string | undefined, absent: string): string {
  return side === undefined ? `(${absent})` : visible(side);
}

/** One row: each column with what it is and what it would be. */
function rowLines({ columns, before, after, beforeUnknown }: RowChange): readonly string[] {
  const kind = beforeUnknown
    ? "a row, not known how it is now"
    : before.length === 0
      ? "a new row"
      : after.length === 0
        ? "a row that goes"
        : "a row";
  const width = Math.max(...columns.map((column) => visible(column).length));
  return [
    kind,
    ...columns.map((column, index) => {
      const [was, is] = [before[index], after[index]].map((value) => (value === undefined ? undefined : cellText(value)));
      const text = was === undefined || is === undefined || was === is ? (is ?? was) : `${was} → ${is}`;
      return `  ${visible(column).padEnd(width)}  ${text}`;
    }),
  ];
}

/** A text stands in quotes, so that no value can look like an arrow with another value behind it. */
function cellText({ text }: CellValue): string {
  return text === undefined ? "NULL" : visible(JSON.stringify(text));
}

function block(title: string, text: string): readonly string[] {
  return text === ""
    ? []
    : [
        title,
        ...visibleBlock(text)
          .split("\n")
          .map((one) => `  ${one}`),
      ];
}

function pastText({ id, state, subject, votes, createdMs }: PastDecision): string {
  const said = votes.length === 0 ? "nobody voted" : votes.map(visible).join(", ");
  return `${timeText(createdMs)}  ${visible(id)}  ${stateName(state)}, asked by ${visible(subject)}; ${said}`;
}
