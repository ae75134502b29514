import fc from "fast-check";
import { expect, test } from "vitest";
import { mixedScripts, visible, visibleBlock } from "./escape.ts";

test("terminal escape sequences, bidi overrides and invisible characters are shown, not obeyed", () => {
  expect(visible("\u001b[2Jdrop\u202e\u200b\u00a0\u3164")).toBe("\\u{1b}[2Jdrop\\u{202e}\\u{200b}\\u{a0}\\u{3164}");
  expect(visible("a\r\nb\tc")).toBe("a\\u{d}\\nb\\tc");
  expect(visible("\ud800")).toBe("\\u{d800}");
});

test("ordinary text in any script stays as it is", () => {
  for (const text of ["select 'é', '日本', 'مرحبا', 'ß' -- ok", "C:\\users\\x"]) expect(visible(text)).toBe(text);
});

test("a text cannot pretend to hold an escaped character", () => {
  expect(visible("\\u{1b}")).not.toBe(visible("\u001b"));
});

test("whatever the text, nothing that a terminal acts upon is left", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(visibleBlock(text).replace(/[\n\t]/g, "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    }),
  );
});

test("a block keeps its lines", () => {
  expect(visibleBlock("select 1\r\n\twhere\u0007\n")).toBe("select 1\n\twhere\\u{7}\n");
});

test("words of look-alike scripts are found", () => {
  expect(mixedScripts("select * from аccounts where naïve = 'привет' and аccounts")).toEqual(["аccounts"]);
});
