import { isBetween, isDecimal } from "./decimal.ts";

/** A value of an operation that a grant may bound: NULL, a text, or bytes as canonical base64url. */
export type GrantedValue = null | { readonly text: string } | { readonly binary: string };

/** Which values a grant lets through at one place, besides the approved one. */
export type Bound =
  | { readonly type: "one_of"; readonly values: readonly string[] }
  /** Numbers in plain decimal notation, both included. */
  | { readonly type: "range"; readonly min: string; readonly max: string }
  | { readonly type: "prefix"; readonly prefix: string }
  /** Whatever it is, except NULL; of a command's arguments also no option. */
  | { readonly type: "any" };

/** The same, or only the approved value. */
export type ValueLimit = Bound | { readonly type: "exact"; readonly value: GrantedValue };

/** Above these a bound is not taken: an approver has to be able to read it. */
const most = { values: 1000, characters: 4096 };

/** What is wrong with a bound as an approver gave it; undefined when nothing is. */
export function boundMistake(bound: Bound): string | undefined {
  switch (bound.type) {
    case "one_of":
      if (bound.values.length === 0 || bound.values.length > most.values) return `needs 1 to ${most.values} values`;
      return bound.values.every(isText) ? undefined : `holds a value that is not well-formed or longer than ${most.characters}`;
    case "range":
      if (![bound.min, bound.max].every(isDecimal)) return "needs two plain decimal numbers, e.g. 1 and 1000";
      return isBetween(bound.min, bound.min, bound.max) ? undefined : "begins above its end";
    case "prefix":
      return bound.prefix !== "" && isText(bound.prefix)
        ? undefined
        : `needs 1 to ${most.characters} well-formed characters to begin with`;
    case "any":
      return undefined;
  }
}

function isText(text: string): boolean {
  return text.length <= most.characters && text.isWellFormed();
}

/**
 * Whether a value is within a limit. Where a bound speaks of texts, neither NULL nor bytes are within it.
 *
 * @param argument - Whether it is an argument of a command, where a text that begins with `-` is an option.
 */
export function isWithin(limit: ValueLimit, value: GrantedValue, argument = false): boolean {
  const text = value !== null && "text" in value ? value.text : undefined;
  switch (limit.type) {
    case "exact":
      return sameValue(limit.value, value);
    case "one_of":
      return text !== undefined && limit.values.includes(text);
    case "range":
      return text !== undefined && isBetween(text, limit.min, limit.max);
    case "prefix":
      // `/srv/../etc` begins with `/srv/`, and is elsewhere.
      return text?.startsWith(limit.prefix) === true && !/(?:^|[\\/])\.\.(?:[\\/]|$)/.test(text);
    case "any":
      return value !== null && !(argument && text?.startsWith("-"));
  }
}

function sameValue(a: GrantedValue, b: GrantedValue): boolean {
  if (a === null || b === null) return a === b;
  return "text" in a ? "text" in b && a.text === b.text : "binary" in b && a.binary === b.binary;
}
