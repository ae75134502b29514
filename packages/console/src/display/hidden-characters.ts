/** Names for the characters that are most often used to deceive; others are named by their class. */
const names: Readonly<Record<number, string>> = {
  0: "null character",
  7: "bell",
  8: "backspace",
  11: "vertical tab",
  12: "form feed",
  13: "carriage return",
  27: "escape: begins a terminal command",
  127: "delete",
  133: "next line",
  155: "control sequence: begins a terminal command",
  160: "no-break space",
  173: "soft hyphen",
  1564: "Arabic letter mark",
  8203: "zero width space",
  8204: "zero width non-joiner",
  8205: "zero width joiner",
  8206: "left-to-right mark",
  8207: "right-to-left mark",
  8232: "line separator",
  8233: "paragraph separator",
  8234: "left-to-right embedding",
  8235: "right-to-left embedding",
  8236: "pop directional formatting",
  8237: "left-to-right override",
  8238: "right-to-left override",
  8288: "word joiner",
  8294: "left-to-right isolate",
  8295: "right-to-left isolate",
  8296: "first strong isolate",
  8297: "pop directional isolate",
  65279: "byte order mark",
};

// Everything that draws nothing, draws as a space, moves other text, or has no agreed look. The plain space, the tab and the line feed
// are the only blanks that are shown as themselves.
const hidden = /^[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]$/u;

/** Whether a character must be shown as an escape. */
export function isHidden(character: string): boolean {
  return character !== " " && character !== "\t" && character !== "\n" && hidden.test(character);
}

/** The visible escape of a character, e.g. `\x1B` or `\u{202E}`, and what it is called. */
export function hiddenCharacter(character: string): { readonly escape: string; readonly name: string } {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  return { escape: code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`, name: names[code] ?? className(character) };
}

function className(character: string): string {
  if (/\p{Cc}/u.test(character)) return "control character";
  if (/\p{Cs}/u.test(character)) return "half of a character (lone surrogate)";
  if (/\p{Co}/u.test(character)) return "private-use character";
  if (/\p{Zs}/u.test(character)) return "unusual space";
  if (/\p{M}/u.test(character)) return "combining mark";
  if (/\p{Default_Ignorable_Code_Point}|\p{Cf}|\u2800/u.test(character)) return "invisible character";
  return "unassigned character";
}
