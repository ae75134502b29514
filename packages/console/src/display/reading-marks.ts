import type { Line, Span } from "./exact-text.ts";

/** A line cut so that `"mark"` stands wherever it must be noticed that the text there was on the screen. */
export interface MarkedLine {
  /** From 1. */
  readonly number: number;
  readonly parts: readonly (Span | "mark")[];
}

/** Between two marks that were both on the screen there must be no room for text that was not: a small phone shows more than this. */
const linesBetween = 4;
const charactersBetween = 160;

/** Puts marks into a text: at its beginning, at its end, and at most four lines or 160 characters apart. */
export function withReadingMarks(lines: readonly Line[]): readonly MarkedLine[] {
  let since = 0;
  return lines.map((line, index) => {
    const parts: (Span | "mark")[] = index === 0 ? ["mark"] : [];
    for (const span of line.spans) {
      for (const piece of pieces(span)) {
        parts.push(piece);
        since += piece.shown.length;
        if (since >= charactersBetween) {
          parts.push("mark");
          since = 0;
        }
      }
    }
    const last = index === lines.length - 1;
    if (last || (index + 1) % linesBetween === 0) {
      if (parts.at(-1) !== "mark") parts.push("mark");
      since = 0;
    }
    return { number: index + 1, parts };
  });
}

/** Cuts a long span between whole characters. An escape is never cut. */
function pieces(span: Span): readonly Span[] {
  if (span.shown.length <= charactersBetween || span.shown !== span.source) return [span];
  const cut = span.shown.match(new RegExp(`[\\s\\S]{1,${charactersBetween}}`, "gu")) ?? [];
  return cut.map((text) => ({ ...span, source: text, shown: text }));
}
