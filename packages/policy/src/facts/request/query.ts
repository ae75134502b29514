import { isLookalike } from "./lookalike.ts";
import { decodeOnce, holdsEscape } from "./percent.ts";
import { refused, tooLarge } from "./refusal.ts";

/** Names and values, as servers read `application/x-www-form-urlencoded`: percent-decoded once, `+` is a space (WHATWG URL §5.1). */
export interface Query {
  /** Every value of each name, in the order sent; a name without `=` has the value `""`. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** The names that were sent more than once with different values: servers take the first, the last, or all. Sorted. */
  readonly repeated: readonly string[];
  /** What else some servers would read in another way, in words. */
  readonly doubts: readonly string[];
}

/** Loops in conditions run over names; more would hold the event loop. */
const maxPairs = 500;

/** What RFC 3986 §3.4 permits in a query, and what browsers leave as it is. */
const queryCharacters = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/?[\]{}|^`]*$/;

/** Names that no framework takes for a path into a structure (`a[b]`, `a.b`) or writes anew (PHP: dots and spaces become `_`). */
const plainName = /^[A-Za-z0-9_$:@~!-]+$/;

const none: Query = Object.freeze({ values: Object.freeze({}), repeated: Object.freeze([]), doubts: Object.freeze([]) });

/**
 * Reads a query or a form.
 *
 * @param sent - Without the question mark; undefined when there is none.
 * @param where - What it is, for messages.
 * @throws {CountersignError} `invalid_operation` for characters and escapes that are not valid; `operation_too_large` above 500 pairs.
 */
export function readQuery(sent: string | undefined, where = "the query"): Query {
  if (sent === undefined || sent === "") return none;
  if (!queryCharacters.test(sent)) {
    if (sent.includes("#")) throw refused(`${where} holds a fragment (#), which is not part of a request. Write %23 for a #.`);
    throw refused(`${where} holds characters that must be percent-encoded (white space, controls, " < > \\ or not ASCII).`);
  }
  const pairs = sent.split("&").filter((pair) => pair !== "");
  if (pairs.length > maxPairs) throw tooLarge(`${where} holds more than ${maxPairs} parameters. Send fewer.`);
  const doubts = new Set<string>();
  if (sent.includes(";")) doubts.add(`${where} holds a semicolon, where some servers begin the next parameter`);
  const values = new Map<string, string[]>();
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = readText(at < 0 ? pair : pair.slice(0, at), where);
    const value = at < 0 ? "" : readText(pair.slice(at + 1), where);
    if (!plainName.test(name)) doubts.add(`${where} has a name with characters that frameworks read in different ways`);
    if (holdsEscape(value)) doubts.add(`${where} holds a value that is percent-encoded twice`);
    if (isLookalike(value.replace(/[\t\r\n]/g, ""))) doubts.add(`${where} holds characters that some servers take for others`);
    const before = values.get(name);
    if (before) before.push(value);
    else values.set(name, [value]);
  }
  if (new Set([...values.keys()].map((name) => name.toLowerCase())).size < values.size)
    doubts.add(`${where} has names that differ only in case, which some servers ignore`);
  for (const list of values.values()) Object.freeze(list);
  return {
    // Own properties whatever the name: `__proto__` too.
    values: Object.freeze(Object.fromEntries(values)),
    repeated: [...values].flatMap(([name, list]) => (list.some((value) => value !== list[0]) ? [name] : [])).sort(),
    doubts: [...doubts],
  };
}

function readText(sent: string, where: string): string {
  const text = decodeOnce(sent.replaceAll("+", " "), where);
  if (text.includes("\0")) throw refused(`${where} holds an encoded NUL (%00), where some servers end the text.`);
  return text;
}
