import { expect, test } from "vitest";
import { exactText, findings } from "./exact-text.ts";
import { sqlTokens } from "./sql-tokens.ts";

const shown = (text: string) => exactText(text).map((line) => line.spans.map((span) => span.shown).join(""));
const source = (lines: ReturnType<typeof exactText>) =>
  lines.map((line) => line.spans.map((span) => span.source).join("") + line.end).join("");

test("ordinary text is shown as it is, line by line", () => {
  expect(shown("select 1\n  from t")).toEqual(["select 1", "  from t"]);
  expect(findings(exactText("select 1"))).toEqual([]);
});

test.each([
  ["right-to-left override", "a\u202Eb", "a\\u{202E}b"],
  ["zero width space", "a\u200Bb", "a\\u{200B}b"],
  ["no-break space", "a\u00A0b", "a\\xA0b"],
  ["escape: begins a terminal command", "a\x1B[31mb", "a\\x1B[31mb"],
  ["carriage return", "a\rb", "a\\x0Db"],
  ["byte order mark", "\uFEFFa", "\\u{FEFF}a"],
  ["invisible character", "a\u{E0041}", "a\\u{E0041}"],
  ["invisible character", "a\u3164", "a\\u{3164}"],
  ["half of a character (lone surrogate)", "a\uD800", "a\\u{D800}"],
  ["unassigned character", "a\u{FFFFF}", "a\\u{FFFFF}"],
  ["private-use character", "a\uE000", "a\\u{E000}"],
])("%s is shown escaped and marked", (name, text, expected) => {
  const lines = exactText(text);
  expect(shown(text)).toEqual([expected]);
  const found = findings(lines).find((one) => one.kind === "hidden");
  expect(found?.notes).toEqual([name]);
});

test("a CR LF is one line end and is no finding", () => {
  expect(shown("a\r\nb")).toEqual(["a", "b"]);
  expect(findings(exactText("a\r\nb"))).toEqual([]);
});

test("a heap of combining marks is escaped from the third on", () => {
  expect(shown("a\u0301\u0302\u0303\u0304")).toEqual(["a\u0301\u0302\\u{303}\\u{304}"]);
});

test("a Cyrillic letter in a Latin word is flagged, and its neighbours are not", () => {
  const lines = exactText("delete from \u043Erders where id = 1");
  expect(findings(lines)).toEqual([{ kind: "lookalike", count: 1, notes: ["mixes Latin and Cyrillic letters"] }]);
  expect(lines[0]?.spans.find((span) => span.mark)?.source).toBe("\u043Erders");
});

test("right-to-left letters are flagged", () => {
  expect(findings(exactText("'\u05D0\u05D1'"))[0]?.kind).toBe("right-to-left");
});

test("nothing is dropped or added, whatever the text holds", () => {
  const alphabet = [
    "a",
    "Z",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "'",
    '"',
    "$$",
    "--",
    "/*",
    "*/",
    "\\",
    "\0",
    "\u202E",
    "\u200B",
    "\u0301",
    "\uD800",
    "о",
    "😀",
    "א",
    "E'",
    "$1",
  ];
  let seed = 7;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: Math.floor(random() * 40) }, () => alphabet[Math.floor(random() * alphabet.length)]).join(
      "",
    );
    expect(source(exactText(text, sqlTokens(text)))).toBe(text);
    expect(
      exactText(text)
        .map((line) => line.spans.map((span) => span.shown).join(""))
        .join(""),
    ).not.toMatch(/(?!\t)[\p{Cc}\u200B\u202E]/u);
  }
});
