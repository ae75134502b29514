/**
 * Invisible characters, those that order text anew (bidi), line separators, controls, the two letters i that some languages fold to ASCII,
 * and the slashes and backslashes of mathematics, which Windows maps to those of paths.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u0130\u0131\u2044\u2215\u2216\u29f5\u29f8\u29f9]/u;

/**
 * Whether a server that normalises Unicode or folds case may take the text for another: full-width letters, the Kelvin sign for a K,
 * composed and decomposed accents, invisible characters (Unicode TR36 §2, UAX #15).
 */
export function isLookalike(text: string): boolean {
  if (/^[ -~]*$/.test(text)) return false;
  return unseen.test(text) || text.normalize("NFKC") !== text;
}

/** The same for all texts that a server that ignores case, or compares as Unicode says, may take for each other. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toUpperCase().toLowerCase();
}
