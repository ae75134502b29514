import type { PlanLine } from "@countersign/rpc";
import { shownParts } from "./operation-text.ts";
import { stateName } from "./request-state.ts";
import { visible } from "./terminal/escape.ts";

/** A plan's lines, whole and numbered from 1. */
export function planLines(lines: readonly PlanLine[]): readonly string[] {
  return lines.flatMap((line) => {
    const [first, ...others] = shownParts(line.operation);
    const where = `on ${visible(line.resource)}, as ${visible(line.role)}`;
    const held = line.rules.map(visible).join(", ");
    return [
      `  ${line.index + 1}. ${where} (${held}): ${line.struck ? "STRUCK OUT, does not run" : stateName(line.state)}`,
      ...first.lines.map((one) => `     ${one}`),
      ...others.flatMap(({ name, lines }) => [`       ${name}:`, ...lines.map((one) => `         ${one}`)]),
    ];
  });
}

/**
 * Numbers of lines as people write them, `2,5`, from 1.
 *
 * @returns the lines from 0, ascending, each once; undefined for anything else.
 */
export function lineNumbers(text: string): readonly number[] | undefined {
  const parts = text.split(",").map((one) => one.trim());
  if (!parts.every((one) => /^[1-9]\d{0,5}$/.test(one))) return undefined;
  return [...new Set(parts.map((one) => Number(one) - 1))].sort((a, b) => a - b);
}
