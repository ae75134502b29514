import { CountersignError } from "../../outcome.ts";

/** A word whose value every shell agrees on. */
export interface WordToken {
  readonly kind: "word";
  readonly start: number;
  readonly end: number;
  /** What the program gets. */
  readonly value: string;
  /** Written without quotes and backslashes. */
  readonly bare: boolean;
}

/** `> `, `2>>`, `<`; the file's name is the next word. With `copies` (`2>&1`, `<&-`) nothing follows. */
export interface RedirectToken {
  readonly kind: "redirect";
  readonly start: number;
  readonly end: number;
  /** One digit, or empty. */
  readonly descriptor: string;
  readonly operator: ">" | ">>" | "<";
  readonly copies?: string;
}

/** What stands between commands. */
interface OperatorToken {
  readonly kind: "operator";
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export type Token = WordToken | RedirectToken | OperatorToken;

/** A text is not of the kind that all shells read alike; `doubt` says why, for the approver. */
export class Unclear extends Error {
  override readonly name = "Unclear";
  readonly doubt: string;

  constructor(doubt: string) {
    super(doubt);
    this.doubt = doubt;
  }
}

const maxTokens = 1000;

const blanks = /(?:[ \t]+(?:\\\n)?)+/y;
// Controls other than tab and newline mean something to some shells (bash quotes with U+0001 and U+007F inside) and to terminals.
const comment = /#(?:\P{Cc}|\t)*/uy;
const operator = /&&|\|\||[|;()\n]/y;
const copying = /([0-9]?)(>|<)&([0-9]|-)(?=[ \t\n;|&)]|$)/y;
const opening = /([0-9]?)(>>|>(?![>&|!(])|<(?![<>&(]))/y;
const bare = /[A-Za-z0-9_./:,@%+=-]+/y;
const single = /'(?:[^'\p{Cc}]|[\t\n])*'/uy;
const double = /"(?:[^"\\$`\p{Cc}]|[\t\n]|\\\P{Cc}|\$(?="))*"/uy;
const escaped = /\\[ -~]/y;
/** Signs that mean themselves only when they stand alone. */
const alone = /(?:\{\}|[{}![\]])(?=[ \t\n;|&)<>]|$)/y;

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/**
 * Cuts a text that is static from end to end into its tokens: words without any expansion, and the few operators that dash, bash, ksh,
 * zsh and busybox read alike. This decides what counts as static, not what the text means: that is the parser's part, and both must agree.
 *
 * @throws {Unclear} for anything else.
 * @throws {CountersignError} `operation_too_large`
 */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const skipped = match(blanks, text, at);
    if (skipped) {
      at += skipped[0].length;
      // Whether a continued line may begin with a comment is not worth knowing.
      if (text[at] === "#" && text[at - 1] === "\n") throw unclearAt(text, at);
      continue;
    }
    if (text[at] === "#" && (at === 0 || /[ \t\n;|&()]/.test(text.charAt(at - 1)))) {
      const skippedComment = match(comment, text, at)?.[0] ?? "";
      at += skippedComment.length;
      if (at < text.length && text[at] !== "\n") throw unclearAt(text, at);
      continue;
    }
    const token = redirectAt(text, at, tokens.at(-1)) ?? operatorAt(text, at) ?? wordAt(text, at);
    tokens.push(token);
    at = token.end;
    if (tokens.length > maxTokens) {
      throw new CountersignError(
        "operation_too_large",
        `The command line has more than ${maxTokens} words and operators. Split it.`,
      );
    }
  }
  return tokens;
}

function redirectAt(text: string, at: number, before: Token | undefined): RedirectToken | undefined {
  const found = match(copying, text, at) ?? match(opening, text, at);
  if (!found) return undefined;
  const [{ length }, descriptor = "", sign, copies] = found;
  // `'2'>f`, `\2>f`: whether the digit is the word or the descriptor is told by quoting that shells treat differently.
  if (before?.kind === "word" && before.end === at && /^[0-9]*$/.test(before.value)) {
    throw new Unclear(`a redirect touches the digits before it, at character ${at + 1}`);
  }
  const token = { kind: "redirect", start: at, end: at + length, descriptor } as const;
  const operatorSign = sign === ">>" ? ">>" : sign === "<" ? "<" : ">";
  return copies === undefined ? { ...token, operator: operatorSign } : { ...token, operator: operatorSign, copies };
}

function operatorAt(text: string, at: number): OperatorToken | undefined {
  const found = match(operator, text, at);
  if (!found) return undefined;
  const [sign] = found;
  // `((` opens arithmetic in some shells and two sub-shells in others.
  if (sign === "(" && text[at + 1] === "(") throw new Unclear(`arithmetic ((…)) at character ${at + 1}`);
  return { kind: "operator", start: at, end: at + sign.length, text: sign };
}

function wordAt(text: string, start: number): WordToken {
  const sign = match(alone, text, start)?.[0];
  if (sign !== undefined) return { kind: "word", start, end: start + sign.length, value: sign, bare: true };
  let at = start;
  let value = "";
  let quoted = false;
  let afterSingle = false;
  for (;;) {
    const piece = match(bare, text, at)?.[0];
    if (piece !== undefined) {
      value += piece;
      at += piece.length;
      afterSingle = false;
      continue;
    }
    const quote = match(single, text, at)?.[0] ?? match(double, text, at)?.[0] ?? match(escaped, text, at)?.[0];
    if (quote === undefined) break;
    // Where zsh has RC_QUOTES set, two single quotes inside single quotes are one.
    if (quote[0] === "'" && afterSingle) throw new Unclear(`two single-quoted texts touch, at character ${at + 1}`);
    value += unquote(quote, at);
    at += quote.length;
    quoted = true;
    afterSingle = quote[0] === "'";
  }
  if (at < text.length && !/[ \t\n;|&()<>]/.test(text.charAt(at))) throw unclearAt(text, at);
  if (at === start) throw unclearAt(text, at);
  // zsh takes `=ls` for the path of ls.
  if (text[start] === "=" && at - start > 1)
    throw new Unclear(`a word that begins with = (zsh expands it), at character ${start + 1}`);
  return { kind: "word", start, end: at, value, bare: !quoted };
}

function unquote(quote: string, at: number): string {
  if (quote[0] === "'") return quote.slice(1, -1);
  if (quote[0] === "\\") return quote.slice(1);
  // In some character sets a backslash can be the second byte of a character that the bytes before it begin.
  if (quote.includes("\\") && /[^ -~\t\n]/.test(quote)) {
    throw new Unclear(`letters beyond ASCII beside a backslash in double quotes, at character ${at + 1}`);
  }
  return quote.slice(1, -1).replace(/\\(["\\$`])/g, "$1");
}

/** What the first character that is not static is about; the first row that fits. */
const reasons: readonly (readonly [pattern: RegExp, doubt: string])[] = [
  [/`|\$\(/y, "a command is substituted"],
  [/\$['"]/y, "a $'…' or $\"…\" text, which shells read differently"],
  [/\$/y, "a value that the shell fills in ($)"],
  [/[*?[\]]/y, "a file name pattern that the shell expands"],
  [/<<|<</y, "text for standard input (<<)"],
  [/[<>]\(/y, "a process is substituted"],
  [/&>|>&|<&|>\||<>|>!/y, "a redirect that shells read differently"],
  [/&/y, "a command in the background (&)"],
  [/[{}]/y, "braces that some shells expand"],
  [/~/y, "a home folder that the shell fills in (~)"],
  [/[!^#]/y, "a sign that some shells read differently"],
  [/\\\n/y, "a line is continued in the middle of a word"],
  [/["']/y, "a quoted text that is not static: it is expanded, has control characters or does not end"],
  [/\p{Cc}/uy, "a control character"],
  [/[^ -~]/uy, "letters beyond ASCII outside quotes"],
];

function unclearAt(text: string, at: number): Unclear {
  // Inside double quotes the reason is what stands in them, not the quote.
  const inside = text[at] === '"' ? (/[`$]/.exec(text.slice(at))?.index ?? 0) : 0;
  const doubt = reasons.find(([pattern]) => match(pattern, text, at + inside))?.[1] ?? "syntax that is not known to be static";
  return new Unclear(`${doubt}, at character ${at + inside + 1}`);
}
