import type { Bound, GrantTerms, GrantValue } from "../api/model.ts";
import type { Parameter } from "../api/operation.ts";
import { duration, plural } from "./time.ts";

/** How often and for how long: `20 times within 8 hours`. */
export function termsWords({ uses, ttlSeconds }: Pick<GrantTerms, "uses" | "ttlSeconds">): string {
  return `${plural(uses, "time")} within ${duration(ttlSeconds * 1000)}`;
}

/** What one value may be. Holds the values themselves: to be shown as exact text. */
export function boundWords(bound: Bound): string {
  switch (bound.type) {
    case "any":
      return "anything but NULL";
    case "prefix":
      return `any text that begins with ${quoted(bound.prefix)}`;
    case "range":
      return `any number from ${bound.min} to ${bound.max}`;
    case "one-of":
      return listed(bound.values.map(quoted), "or");
  }
}

/** One value as it stands in a sentence. To be shown as exact text. */
export function valueWords(value: Parameter): string {
  if (value.type === "null") return "NULL";
  return value.type === "text" ? quoted(value.value) : `the same ${plural(value.value.length, "byte")}`;
}

/** Each value of a grant and what it may be, in the order of the operation: `$1`, `exactly “open”`. */
export function limitsInWords(
  values: readonly GrantValue[],
  terms: GrantTerms,
): readonly { readonly name: string; readonly words: string; readonly open: boolean }[] {
  return values.map(({ name, value }) => {
    const bound = terms.bounds.find((one) => one.value === name)?.bound;
    return bound === undefined
      ? { name, words: `exactly ${valueWords(value)}`, open: false }
      : { name, words: boundWords(bound), open: true };
  });
}

/**
 * The most that a grant lets happen, in a sentence: whoever approves it answers for this. To be shown as exact text.
 *
 * @param asked what is asked for, to follow “may”, e.g. `delete rows from public.orders`.
 */
export function widestConsequence(asked: {
  readonly terms: GrantTerms;
  readonly subject: string;
  readonly resource: string;
  readonly wish: string;
  /** Changes rows without a WHERE clause. */
  readonly everyRow: boolean;
}): string {
  const { terms, subject, resource, wish, everyRow } = asked;
  const named = (types: readonly Bound["type"][]) =>
    terms.bounds.filter(({ bound }) => types.includes(bound.type)).map(({ value }) => value);
  const [free, within] = [named(["any"]), named(["prefix", "range", "one-of"])];
  const choices = [
    ...(free.length > 0 ? [`with whatever it chooses for ${listed(free, "and")}`] : []),
    ...(within.length > 0 ? [`choosing ${listed(within, "and")} within the bounds above`] : []),
  ];
  const how = choices.length === 0 ? "each time with exactly these values" : choices.join(", ");
  const rows = everyRow ? ", each time on every row" : "";
  return `At worst, ${subject} will ${wish} on ${resource} ${plural(terms.uses, "more time")} within ${duration(terms.ttlSeconds * 1000)}${rows}, ${how}, and nobody is asked again.`;
}

function quoted(text: string): string {
  return `“${text}”`;
}

/** `a`, `a or b`, `a, b or c`. */
function listed(words: readonly string[], last: "and" | "or"): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
