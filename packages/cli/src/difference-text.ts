import type { PostgresParameter, PostgresQuery } from "@countersign/rpc";
import { parameterText } from "./operation-text.ts";
import { visibleBlock } from "./terminal/escape.ts";
import { paint, type Terminal } from "./terminal/terminal.ts";

/** What was changed of a statement and its values, as lines that begin with `-`, `+` or a space; none when nothing was. */
export function differenceText({ stdout }: Terminal, before: PostgresQuery, after: PostgresQuery): readonly string[] {
  const statement = changedLines(linesOf(before.statement), linesOf(after.statement));
  const parameters = changedLines(parameterLines(before.parameters), parameterLines(after.parameters));
  // Escaped texts may be equal where the texts are not: then all of both is shown.
  const hidden = statement.length === 0 && before.statement !== after.statement;
  const all = hidden ? [...linesOf(before.statement).map(removed), ...linesOf(after.statement).map(added)] : statement;
  return [...all, ...parameters].map((one) => {
    if (one.startsWith("-")) return paint(stdout, "red", one);
    return one.startsWith("+") ? paint(stdout, "green", one) : one;
  });
}

function linesOf(text: string): readonly string[] {
  return visibleBlock(text).split("\n");
}

function parameterLines(parameters: readonly PostgresParameter[]): readonly string[] {
  return parameters.map((one, index) => `$${index + 1}  ${parameterText(one)}`);
}

/** All lines, the same ones at the beginning and at the end told once. */
function changedLines(before: readonly string[], after: readonly string[]): readonly string[] {
  const shorter = Math.min(before.length, after.length);
  let first = 0;
  while (first < shorter && before[first] === after[first]) first++;
  if (first === before.length && first === after.length) return [];
  let last = 0;
  while (last < shorter - first && before.at(-1 - last) === after.at(-1 - last)) last++;
  return [
    ...before.slice(0, first).map(same),
    ...before.slice(first, before.length - last).map(removed),
    ...after.slice(first, after.length - last).map(added),
    ...after.slice(after.length - last).map(same),
  ];
}

const same = (text: string): string => `  ${text}`;
const removed = (text: string): string => `- ${text}`;
const added = (text: string): string => `+ ${text}`;
