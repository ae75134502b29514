/** A word that can be taken for another one. Offsets are UTF-16 code units. */
export interface Lookalike {
  readonly start: number;
  readonly end: number;
  readonly word: string;
  /** What is odd about it, for a person. */
  readonly note: string;
}

const scripts = {
  Latin: /\p{Script=Latin}/u,
  Cyrillic: /\p{Script=Cyrillic}/u,
  Greek: /\p{Script=Greek}/u,
  Armenian: /\p{Script=Armenian}/u,
  Cherokee: /\p{Script=Cherokee}/u,
  Coptic: /\p{Script=Coptic}/u,
  Georgian: /\p{Script=Georgian}/u,
  Hebrew: /\p{Script=Hebrew}/u,
  Arabic: /\p{Script=Arabic}/u,
  Devanagari: /\p{Script=Devanagari}/u,
  Thai: /\p{Script=Thai}/u,
  "East Asian": /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}]/u,
} as const;

// Letters of other scripts that are drawn like ASCII letters in most fonts (from Unicode TS 39's confusables).
const drawnLikeAscii = /^[абвгдеѕзіјкһԁԛԝмнорстухуьАВЕЅІЈКМНОРСТУХԌҮҺԚԜαβγεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոսցհաѡⲟᴄᴏᴠᴡᴢɑɡıƖǀ0-9_$]+$/u;

/**
 * The words of a text that mix scripts, that are written wholly in letters drawn like Latin ones, or that use stylistic variants of
 * letters: `оrders` with a Cyrillic o is another table than `orders`.
 */
export function lookalikes(text: string): readonly Lookalike[] {
  if (/^\p{ASCII}*$/u.test(text)) return [];
  const found: Lookalike[] = [];
  for (const match of text.matchAll(/[\p{L}\p{M}\p{N}_$]+/gu)) {
    const note = oddity(match[0]);
    if (note !== undefined) found.push({ start: match.index, end: match.index + match[0].length, word: match[0], note });
  }
  return found;
}

function oddity(word: string): string | undefined {
  if (/^\p{ASCII}*$/u.test(word)) return undefined;
  const used = Object.entries(scripts).flatMap(([name, pattern]) => (pattern.test(word) ? [name] : []));
  if (used.length > 1) return `mixes ${used.join(" and ")} letters`;
  if (drawnLikeAscii.test(word)) return `looks like Latin letters but is ${used[0] ?? "something else"}`;
  if (/[a-z0-9]/i.test(word.normalize("NFKC")) && word.normalize("NFKC") !== word.normalize("NFC")) {
    return `stands for “${word.normalize("NFKC")}” in special letters`;
  }
  return undefined;
}
