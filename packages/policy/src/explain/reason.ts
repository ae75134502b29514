import type { ConditionPart, Reason, SeenValue } from "./explanation.ts";

/** The tests and loops by which a condition was decided, in the order in which they stand. */
export function reasonsOf(part: ConditionPart): readonly Reason[] {
  if (!part.decisive || part.state === "skipped") return [];
  if (part.kind === "test" || part.kind === "loop") {
    const { text, file, line, column, state } = part;
    return [{ text, file, line, column, state, says: says(part) }];
  }
  return (part.parts ?? []).flatMap(reasonsOf);
}

/** In words how a test or a loop came out, and on what. */
function says({ text, state, error, seen = [], element, quantifier }: ConditionPart): string {
  const [only, ...others] = seen;
  // `sql.readOnly is false` says it all.
  if (only?.name === text && others.length === 0 && state !== "error") return `${text} is ${state}`;
  const tested = cut(text.replace(/\s+/g, " "));
  const values = [...(element ? [element] : []), ...seen].map(valueText);
  const on = values.length === 0 ? "" : ` (${values.join(", ")})`;
  if (state === "error") return `${tested} cannot be evaluated: ${error ?? ""}${on}`;
  return `${tested} is ${state}${quantifier && element === undefined ? ofAll[quantifier] : ""}${on}`;
}

/** What to add where no single element decided a loop: `exists` was false, `all` was true, or not exactly one held. */
const ofAll = {
  exists: " for every element",
  all: " for every element",
  exists_one: ", as it does not hold for exactly one element",
} as const satisfies Readonly<Record<NonNullable<ConditionPart["quantifier"]>, string>>;

/** `sql.tables = ["orders"]` */
function valueText({ name, value, size }: SeenValue): string {
  if (value === undefined) return `${name} is not there`;
  return `${name} = ${cut(JSON.stringify(value))}${size === undefined ? "" : ` (${size} in all)`}`;
}

/** So that a sentence stays one; the whole text and the values are beside it. */
function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
