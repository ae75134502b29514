import { forEachChild, type SyntaxNode, type Word } from "unbash";
import { judge } from "./judge.ts";
import { parse } from "./syntax.ts";

/** The parser's time grows with the square of some texts: this long takes it less than 10 ms at worst. */
const maxLength = 2048;

/** Stands for a word that is only known when the shell has expanded it. */
const unknownWord = "\u0001";

/**
 * The programs that can be seen in a text that is not static, at any depth: a hint for whoever decides and for rules that deny, never all
 * of them for certain. None where the text is long.
 *
 * @throws {CountersignError} `invalid_operation` when it is not a command line.
 */
export function programsSeen(text: string, tty: boolean): readonly string[] {
  if (text.length > maxLength) return [];
  const seen = new Set<string>();
  const visit = (node: SyntaxNode): void => {
    if (node.type === "Command" && node.name && isStatic(node.name)) {
      const words = node.suffix.flatMap((item) => (item.type === "Word" ? [isStatic(item) ? item.value : unknownWord] : []));
      for (const name of judge([node.name.value, ...words], tty).programs) if (!name.includes(unknownWord)) seen.add(name);
    }
    forEachChild(node, visit);
  };
  try {
    visit(parse(text));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return [...seen];
}

function isStatic({ parts = [] }: Word): boolean {
  return parts.every(
    (part) =>
      part.type === "Literal" ||
      part.type === "SingleQuoted" ||
      (part.type === "DoubleQuoted" && part.parts.every(({ type }) => type === "Literal")),
  );
}
