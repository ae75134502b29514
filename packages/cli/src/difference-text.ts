import type { Operation } from "@countersign/rpc";
import { type ShownPart, shownParts } from "./operation-text.ts";
import { paint, type Terminal } from "./terminal/terminal.ts";

/** What was changed of an operation, as lines that begin with `-`, `+` or a space; none when nothing was. */
export function differenceText({ stdout }: Terminal, before: Operation, after: Operation): readonly string[] {
  const [was, now] = [shownParts(before), shownParts(after)];
  const parts = [...was, ...now.filter(({ name }) => partOf(was, name) === undefined)];
  const lines = parts.flatMap(({ name, named }, index) => {
    const changes = partChanges(partOf(was, name), partOf(now, name));
    return changes.length === 0 || named || index === 0 ? changes : [same(`${name}:`), ...changes];
  });
  return lines.map((one) => {
    if (one.startsWith("-")) return paint(stdout, "red", one);
    return one.startsWith("+") ? paint(stdout, "green", one) : one;
  });
}

function partOf(parts: readonly ShownPart[], name: string): ShownPart | undefined {
  return parts.find((part) => part.name === name);
}

function partChanges(before: ShownPart | undefined, after: ShownPart | undefined): readonly string[] {
  const [was, now] = [before?.lines ?? [], after?.lines ?? []];
  const changes = changedLines(was, now);
  // Escaped texts may be equal where the texts are not: then all of both is shown.
  const hidden = changes.length === 0 && before?.exact !== after?.exact;
  return hidden ? [...was.map(removed), ...now.map(added)] : changes;
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
