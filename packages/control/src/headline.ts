import { type Operation, operationText } from "@countersign/policy";

/** How many characters of an operation a headline shows. */
const headlineLength = 200;

/**
 * Characters that a page or a terminal would not show as they are: control characters, invisible and zero-width ones, bidirectional
 * controls, unusual spaces, private use, unassigned ones and lone surrogates. What an approver cannot see they must not sign unseen.
 */
const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

/** Writes what cannot be seen as `\n`, `\r`, `\t` or `\u{hex}`, and a backslash as `\\`, so that no two texts look the same. */
export function escapeUnseen(text: string): string {
  return text.replaceAll("\\", "\\\\").replace(unseen, (character) => {
    switch (character) {
      case "\n":
        return "\\n";
      case "\r":
        return "\\r";
      case "\t":
        return "\\t";
      default:
        return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
    }
  });
}

/** A plan in one line says how much there is, then what. */
function lineOf(operation: Operation): string {
  if (operation.kind !== "plan") return operationText(operation);
  return `plan of ${operation.lines.length}: ${operation.lines.map((line) => operationText(line.operation)).join("; ")}`;
}

/** The first 200 characters of an operation as one safe line; `…` shows that there is more. */
export function headline(operation: Operation): string {
  // A code point is at most two units, so this holds the characters needed without going through a whole megabyte.
  const start = Array.from(lineOf(operation).slice(0, 2 * headlineLength + 2));
  const shown = escapeUnseen(start.slice(0, headlineLength).join(""));
  return start.length > headlineLength ? `${shown}…` : shown;
}
