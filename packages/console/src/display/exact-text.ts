import { hiddenCharacter, isHidden } from "./hidden-characters.ts";
import { lookalikes } from "./lookalikes.ts";
import type { Token } from "./sql-tokens.ts";

/** Why a part of a text is marked. */
export type Mark = { readonly kind: "hidden" | "lookalike" | "right-to-left"; readonly note: string };

/** A part of one line. `source` is what is really there, `shown` what the page draws for it. */
export interface Span {
  readonly source: string;
  readonly shown: string;
  /** How SQL sees it, e.g. `keyword`; absent for plain text. */
  readonly scope?: string;
  readonly mark?: Mark;
}

/** One line; its line feed (or CR LF) belongs to it and is not drawn. */
export interface Line {
  readonly spans: readonly Span[];
  readonly end: "" | "\n" | "\r\n";
}

/**
 * A text, laid out so that nothing in it can hide or pose as something else (ap-display): control, bidirectional and invisible
 * characters become visible escapes, words that only look like others are marked. Nothing is dropped: the sources and ends of all lines,
 * put together, are the text.
 *
 * @param tokens the text cut by scope; by default the whole text is plain.
 */
export function exactText(text: string, tokens: readonly Token[] = [{ text }]): readonly Line[] {
  const marks = lookalikes(text);
  const lines: Line[] = [];
  let spans: Span[] = [];
  let offset = 0;
  for (const token of tokens) {
    for (const part of token.text.split(/(\r\n|\n)/)) {
      if (part === "\n" || part === "\r\n") {
        lines.push({ spans, end: part });
        spans = [];
      } else if (part !== "") {
        spans.push(...spansOf(part, offset, token.scope, marks));
      }
      offset += part.length;
    }
  }
  lines.push({ spans, end: "" });
  return lines;
}

/** A short text from outside as one line of plain characters, for where nothing can be marked up: titles, notifications, announcements. */
export function shownText(text: string): string {
  return exactText(text)
    .map((line) => line.spans.map((span) => span.shown).join(""))
    .join(" ");
}

/** What is marked in a text: how many characters or words of each kind, and the distinct notes. */
export function findings(lines: readonly Line[]): readonly { kind: Mark["kind"]; count: number; notes: readonly string[] }[] {
  const byKind = new Map<Mark["kind"], { count: number; notes: Set<string> }>();
  for (const line of lines) {
    for (const { mark } of line.spans) {
      if (mark === undefined) continue;
      const found = byKind.get(mark.kind) ?? { count: 0, notes: new Set<string>() };
      found.count++;
      found.notes.add(mark.note);
      byKind.set(mark.kind, found);
    }
  }
  return [...byKind].map(([kind, { count, notes }]) => ({ kind, count, notes: [...notes] }));
}

/** Cuts one token's part of a line where marks begin and end. */
function spansOf(part: string, offset: number, scope: string | undefined, marks: ReturnType<typeof lookalikes>): Span[] {
  const scoped = scope === undefined ? {} : { scope };
  if (/^[\x20-\x7e\t]*$/.test(part)) return [{ source: part, shown: part, ...scoped }];
  const spans: Span[] = [];
  let plain = "";
  let plainMark: Mark | undefined;
  const flush = () => {
    if (plain !== "")
      spans.push({ source: plain, shown: plain, ...scoped, ...(plainMark === undefined ? {} : { mark: plainMark }) });
    plain = "";
  };
  let at = offset;
  let combining = 0;
  for (const character of part) {
    combining = /\p{M}/u.test(character) ? combining + 1 : 0;
    // More than two combining marks on one letter can paint over the lines around it.
    if (isHidden(character) || combining > 2) {
      flush();
      const hidden = hiddenCharacter(character);
      spans.push({ source: character, shown: hidden.escape, ...scoped, mark: { kind: "hidden", note: hidden.name } });
    } else {
      const position = at;
      const lookalike = marks.find((one) => one.start <= position && position < one.end);
      const mark = lookalike ? ({ kind: "lookalike", note: lookalike.note } as const) : rightToLeft(character);
      if (mark?.note !== plainMark?.note) flush();
      plainMark = mark;
      plain += character;
    }
    at += character.length;
  }
  flush();
  return spans;
}

function rightToLeft(character: string): Mark | undefined {
  return /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u.test(
    character,
  )
    ? { kind: "right-to-left", note: "right-to-left letters, shown in the order in which they are stored" }
    : undefined;
}
