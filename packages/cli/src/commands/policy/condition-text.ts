import type { ConditionPart, SeenValue } from "@countersign/policy";
import { visible } from "../../terminal/escape.ts";
import { type Format, paint, type Screen } from "../../terminal/terminal.ts";

const marks = {
  true: ["✓", "green"],
  false: ["✗", "red"],
  error: ["!", "red"],
  skipped: ["·", "gray"],
} as const satisfies Readonly<Record<ConditionPart["state"], readonly [mark: string, format: Format]>>;

/** What stands in place of the text of a part that its own parts show. */
const titles: Readonly<Partial<Record<ConditionPart["kind"], string>>> = {
  and: "all of",
  or: "one of",
  not: "not",
  choice: "the first decides which of the others counts",
};

/**
 * A condition as a tree, a line for each part; what did not decide is dimmed.
 *
 * @param depth how far the first line is indented, in steps of two columns.
 */
export function conditionLines(screen: Screen, part: ConditionPart, depth: number): readonly string[] {
  const [mark, format] = marks[part.state];
  const said = `${titles[part.kind] ?? visible(part.text.replace(/\s+/g, " "))}${details(part)}`;
  const place = titles[part.kind] === undefined ? paint(screen, "gray", `  ${part.line}:${part.column}`) : "";
  const line = `${"  ".repeat(depth)}${paint(screen, format, mark)} ${part.decisive ? said : paint(screen, "gray", said)}${place}`;
  // Of what was not evaluated one line says enough.
  const parts = part.state === "skipped" ? [] : (part.parts ?? []);
  return [line, ...parts.flatMap((one) => conditionLines(screen, one, depth + 1))];
}

function details({ state, error, seen = [], element, text }: ConditionPart): string {
  if (state === "skipped") return "  (not evaluated)";
  const told = [...(element ? [element] : []), ...seen].filter(
    ({ name, value }) => !(name === text && typeof value === "boolean"),
  );
  const values = told.length === 0 ? "" : `  ${told.map(valueText).join(", ")}`;
  return `${values}${error === undefined ? "" : `  ${visible(error)}`}`;
}

function valueText({ name, value, size }: SeenValue): string {
  if (value === undefined) return `${visible(name)} is not there`;
  const text = JSON.stringify(value);
  const short = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return visible(`${name} = ${short}${size === undefined ? "" : ` (${size} in all)`}`);
}
