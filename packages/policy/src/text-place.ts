import { isScalar, type Node, Scalar } from "yaml";

/** What escapes in double quotes stand for (YAML 1.2.2 §5.7), as far as people use them. */
const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  '"': '"',
  "/": "/",
  "\\": "\\",
  " ": " ",
  "\n": "\n",
};

/**
 * Where in a file a character of a text scalar stands. Layout makes both texts differ in white space (lines fold, blocks are indented), so
 * that the other characters are counted. With escapes that nobody uses it is the scalar's start.
 */
export function offsetInScalar(node: Node, text: string, within: number): number {
  const start = node.range?.[0] ?? 0;
  if (!isScalar(node) || typeof node.value !== "string") return start;
  const before = node.value.slice(0, within).replace(/\s/g, "").length;
  // The end of a text stands right behind its last character.
  const wanted = /\S/.test(node.value.slice(within)) ? before + 1 : before;
  let at = contentStart(node, text, start);
  for (let seen = 0; at < text.length && wanted > 0; ) {
    const { length, value } = unit(text, at, node.type);
    if (value === undefined) return start;
    if (!/\s/.test(value)) seen++;
    if (seen === wanted) return wanted > before ? at : at + length;
    at += length;
  }
  return at;
}

/** Behind the quote, or in the line after a block's header. */
function contentStart({ type }: Scalar, text: string, start: number): number {
  if (type === Scalar.BLOCK_LITERAL || type === Scalar.BLOCK_FOLDED) return text.indexOf("\n", start) + 1 || text.length;
  return type === Scalar.QUOTE_SINGLE || type === Scalar.QUOTE_DOUBLE ? start + 1 : start;
}

/** One character of a value as the file spells it. */
function unit(text: string, at: number, type: Scalar["type"]): { readonly length: number; readonly value: string | undefined } {
  const first = text[at] ?? "";
  if (type === Scalar.QUOTE_SINGLE && first === "'") return { length: 2, value: "'" };
  if (type === Scalar.QUOTE_DOUBLE && first === "\\") return { length: 2, value: escapes[text[at + 1] ?? ""] };
  return { length: 1, value: first };
}
