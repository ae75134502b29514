/**
 * The text that a summary's headline stands for. The server writes it on one safe line: `\n`, `\r`, `\t`, `\u{hex}` and `\\`. The page
 * undoes that, because it marks what is hidden by itself, and because a comment ends where its line does.
 */
export function headlineText(headline: string): string {
  return headline.replace(
    /\\(?:([\\nrt])|u\{([0-9a-f]{1,6})\})/g,
    (whole, simple: string | undefined, hex: string | undefined) => {
      if (simple !== undefined) return { "\\": "\\", n: "\n", r: "\r", t: "\t" }[simple] ?? whole;
      const code = Number.parseInt(hex ?? "", 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
