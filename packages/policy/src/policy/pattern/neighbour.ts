/** What an empty-width instruction asks for. */
const at = { beginLine: 1, endLine: 2, beginText: 4, endText: 8, wordBoundary: 16, noWordBoundary: 32 } as const;

/** What stands before a place, or behind it. */
export type Neighbour = "text edge" | "newline" | "word" | "other";

/** What kind of neighbour a character is; the edge of the text where there is none. */
export function neighbour(rune: number | undefined): Neighbour {
  if (rune === undefined) return "text edge";
  if (rune === 10) return "newline";
  const word = (rune >= 48 && rune <= 57) || (rune >= 65 && rune <= 90) || rune === 95 || (rune >= 97 && rune <= 122);
  return word ? "word" : "other";
}

/** What holds between two neighbours, as empty-width instructions ask for it. */
export function contextOf(before: Neighbour, behind: Neighbour): number {
  let flags = (before === "word") === (behind === "word") ? at.noWordBoundary : at.wordBoundary;
  if (before === "text edge") flags |= at.beginText | at.beginLine;
  if (before === "newline") flags |= at.beginLine;
  if (behind === "text edge") flags |= at.endText | at.endLine;
  if (behind === "newline") flags |= at.endLine;
  return flags;
}
