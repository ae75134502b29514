import type { ParsedStatement } from "./parser.ts";
import { isTree, unwrap } from "./tree.ts";

/** A text whose integers may be others without its meaning being another. */
export interface IntegerTemplate {
  /** The text with every integer replaced by which one it is: the first, the second … that differs from those before. */
  readonly key: string;
  /** The integers in the text's order; zeros, which are not replaced, too. */
  readonly integers: readonly Integer[];
}

interface Integer {
  readonly value: number;
  /** Where it stands in the text. */
  readonly start: number;
  readonly end: number;
}

/** Longer texts, and texts of more integers, are not worth it. */
const maxLength = 1_000;
const maxIntegers = 32;
/** More digits may be a number of another type (int8, numeric). */
const maxDigits = 9;

const kinds = { forbidden: 0, other: 1, word: 2, digit: 3 } as const;

/**
 * By ASCII code. No quotes, no dollar, no backslash, nothing beyond ASCII: what stands between two tokens is white space, and no digit stands in
 * a text, a name in quotes or a parameter. Comments are refused by {@link integerTemplate}.
 */
const kindOf = new Uint8Array(128).fill(kinds.forbidden);
for (const character of " \t\n\r,();=<>+-*/%[]:!") kindOf[character.charCodeAt(0)] = kinds.other;
// A dot beside digits is part of a number, like a letter.
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.") kindOf[character.charCodeAt(0)] = kinds.word;
for (const character of "0123456789") kindOf[character.charCodeAt(0)] = kinds.digit;

const [minus, slash, star, zero] = ["-", "/", "*", "0"].map((character) => character.charCodeAt(0));

/** The template of a text that certainly has one, as far as its characters tell. */
export function integerTemplate(text: string): IntegerTemplate | undefined {
  if (text.length > maxLength) return undefined;
  const integers: Integer[] = [];
  let key = "";
  let copied = 0;
  let before: number = kinds.other;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const kind = kindOf[code] ?? kinds.forbidden;
    if (kind === kinds.forbidden) return undefined;
    if (kind === kinds.other) {
      const next = text.charCodeAt(at + 1);
      // The beginnings of comments.
      if ((code === minus && next === minus) || (code === slash && next === star)) return undefined;
    }
    if (kind !== kinds.digit || before === kinds.word || before === kinds.digit) {
      // A digit inside of a word, or behind one that is, is none of ours.
      before = kind === kinds.digit ? kinds.word : kind;
      continue;
    }
    let end = at + 1;
    while (kindOf[text.charCodeAt(end)] === kinds.digit) end++;
    if (kindOf[text.charCodeAt(end)] === kinds.word) {
      before = kinds.word;
      at = end - 1;
      continue;
    }
    // 0 is written by the parser in a way of its own; 007 is 7 in another text.
    if (end - at > maxDigits || (code === zero && end - at > 1) || integers.length === maxIntegers) return undefined;
    const integer = { value: Number(text.slice(at, end)), start: at, end };
    if (code !== zero) {
      key += `${text.slice(copied, at)}?${indexOf(integers, integer.value)}`;
      copied = end;
    }
    integers.push(integer);
    before = kinds.digit;
    at = end - 1;
  }
  return copied === 0 ? undefined : { key: key + text.slice(copied), integers };
}

/** Which of the integers it is that were there before, or how many there were. */
function indexOf(integers: readonly Integer[], value: number): number {
  for (let index = 0; index < integers.length; index++) if (integers[index]?.value === value) return index;
  return integers.length;
}

/** Statements in which an integer that is a constant is nothing but a value. */
const statements: ReadonlySet<string | undefined> = new Set(["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"]);

/**
 * Whether every integer of a template is a constant of its own in the parser's tree. Elsewhere the grammar looks at the number (`float(24)`,
 * `int[3]`, `current_time(3)`), or it is a type's modifier.
 */
export function areConstants(parsed: readonly ParsedStatement[], { integers }: IntegerTemplate): boolean {
  const [only, ...more] = parsed;
  if (only === undefined || more.length > 0 || !statements.has(unwrap(only.tree)?.kind)) return false;
  const found: { readonly value: number; readonly location: number }[] = [];
  collect(only.tree, found);
  found.sort((a, b) => a.location - b.location);
  return (
    found.length === integers.length && integers.every(({ value }, at) => Math.abs(found[at]?.value ?? Number.NaN) === value)
  );
}

function collect(value: unknown, found: { readonly value: number; readonly location: number }[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, found);
    return;
  }
  if (!isTree(value)) return;
  for (const [key, part] of Object.entries(value)) {
    if (key === "typmods") continue;
    if (key === "A_Const" && isTree(part) && isTree(part.ival)) {
      // The parser leaves out a zero. A sign in front is taken into the constant, whose place is then the sign's.
      const { ival = 0 } = part.ival;
      if (typeof ival === "number") found.push({ value: ival, location: Number(part.location ?? 0) });
    } else collect(part, found);
  }
}

/** The same text with other integers: what is found out about it must be the same, or the template is none. */
export function witness(text: string, { integers }: IntegerTemplate): string {
  let other = "";
  let copied = 0;
  for (const { value, start, end } of integers) {
    if (value === 0) continue;
    const index = indexOf(integers, value);
    // Of another length than it was, and as different from the others as it was.
    other += `${text.slice(copied, start)}${value < 10_000 ? 900_000_000 + index : index + 1}`;
    copied = end;
  }
  return other + text.slice(copied);
}
