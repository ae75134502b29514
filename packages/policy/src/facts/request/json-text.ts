import { freezeJson, type JsonFact } from "./json-value.ts";

/**
 * Reads a JSON text (RFC 8259). `JSON.parse` says what is JSON; what it hides is found beside it: members given twice (it takes the last,
 * others take the first) and numbers that a double does not hold exactly.
 *
 * @param where - What it is, for messages: `the body`.
 * @throws {CountersignError} `invalid_operation` for an escaped lone surrogate, which has no UTF-8 form.
 */
export function readJson(text: string, where: string): JsonFact {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { value: null, doubts: [`${where} is not JSON`] };
  }
  const fact = freezeJson(parsed, where);
  if (fact.value === null) return fact;
  const { value, doubts } = fact;
  return { value, doubts: [...new Set([...doubts, ...hidden(text, where)])] };
}

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]|-?[0-9][0-9.eE+-]*/g;

/** What `JSON.parse` does not tell about a text that it accepts. */
function* hidden(text: string, where: string): Iterable<string> {
  /** The names seen in each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  for (const [found] of text.matchAll(token)) {
    if (found === "{") open.push(new Set());
    else if (found === "[") open.push(undefined);
    else if (found === "}" || found === "]") open.pop();
    else if (found === ":") {
      const names = open.at(-1);
      const name = last.includes("\\") ? String(JSON.parse(last)) : last.slice(1, -1);
      if (names?.has(name)) yield `${where} gives a member twice, and servers take the first or the last`;
      names?.add(name);
    } else if (found.startsWith('"')) last = found;
    else if (!isExact(found)) yield `${where} holds a number that is not exact as a double`;
  }
}

/** Whether a double, written as briefly as it can be, is the number that the text says. */
function isExact(text: string): boolean {
  return /^-?[0-9.]{1,15}$/.test(text) || (text.length <= 100 && decimal(text) === decimal(String(Number(text))));
}

/** The same text for every way to write a number. */
function decimal(text: string): string | undefined {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const kept = digits.replace(/0+$/, "");
  return kept === "" ? "0" : `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}
