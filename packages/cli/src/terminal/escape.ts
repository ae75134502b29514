/**
 * Shows text of unknown origin so that it cannot deceive its reader: control characters (terminal escape sequences among them),
 * bidirectional overrides, invisible and unassigned characters, lone surrogates and unusual spaces appear as `\u{202e}`.
 * A backslash that would read as such an escape is doubled.
 */
export function visible(text: string): string {
  return text.replace(/\\(?=u\{)/gu, "\\\\").replace(deceptive, escapeCharacter);
}

/** As {@link visible}, but keeps line breaks and tabs: for a text that is shown as a block of its own. */
export function visibleBlock(text: string): string {
  return text
    .replace(/\r\n/g, "\n")
    .split("\n")
    .map((one) => one.split("\t").map(visible).join("\t"))
    .join("\n");
}

const deceptive =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}]|(?! )\p{Zs}/gu;

function escapeCharacter(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * The words of a text that mix scripts whose letters look alike (`аdmin` with a Cyrillic а), each once, in order.
 * See Unicode Technical Standard 39 §5.1; this is its "minimally restrictive" warning for the scripts most used to deceive.
 */
export function mixedScripts(text: string): readonly string[] {
  const words = text.match(/[\p{L}\p{M}\p{N}_]+/gu) ?? [];
  return [...new Set(words.filter((word) => lookAlikes.filter((script) => script.test(word)).length > 1))];
}

const lookAlikes = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
];
