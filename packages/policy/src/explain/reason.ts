import type { ConditionPart, PartState, Reason, SeenValue } from "./explanation.ts";

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
function says({ kind, text, state, error, seen = [], element }: ConditionPart): string {
  const [only, ...others] = seen;
  const tested = oneLine(text);
  // `sql.readOnly is false` says it all.
  if (only?.name === tested && others.length === 0 && state !== "error") return `${tested} is ${state}`;
  const values = [...(element ? [element] : []), ...seen].map(valueText);
  const on = values.length === 0 ? "" : ` (${values.join(", ")})`;
  if (state === "error") return `${tested} cannot be evaluated: ${error ?? ""}${on}`;
  return `${tested} is ${state}${kind === "loop" && element === undefined ? forAll(state) : ""}${on}`;
}

/** How a loop came out that no single element decided. */
function forAll(state: PartState): string {
  return state === "true" ? " for every element" : " for any element";
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

/** `sql.tables = ["orders"]`, at most some 80 characters of the value. */
export function valueText({ name, value, size }: SeenValue): string {
  if (value === undefined) return `${name} is not there`;
  const text = JSON.stringify(value);
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return `${name} = ${short}${size === undefined ? "" : ` (${size} in all)`}`;
}
