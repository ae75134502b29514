import fc from "fast-check";
import { expect, test } from "vitest";
import { Drawing } from "./drawing.ts";

const drawing = /^(?:\[(?:[0-9;:]*[@A-HJ-MPSTX`adefmr]|[su]|\?(?:6|7|25|47|1047|1048|1049)[hl])|[78DEM]|\([0B])/;
const isControl = (character: string) => /\p{Cc}/u.test(character) && !"\b\t\n\r".includes(character);
const drawn = (text: string) => new Drawing().draw(text);

test.each([
  "plain é漢😀\r\n\tx\b",
  "\x1b[1;38;5;196mred\x1b[0m",
  "\x1b[2J\x1b[10;20H\x1b[K\x1b[3A",
  "\x1b[?1049h\x1b[?25l\x1b[5;20r\x1b(0qqq\x1b(B\x1b[?25h",
  "\x1b7\x1b8\x1bM",
])("what draws stays: %j", (text) => {
  expect(drawn(text)).toBe(text);
});

test.each([
  ["the title", "a\x1b]0;owned\x07b"],
  ["the clipboard", "a\x1b]52;c;cm0gLXJm\x1b\\b"],
  ["a link", "a\x1b]8;;https://evil.example\x07b"],
  ["a device control string", 'a\x1bP$q"p\x1b\\b'],
  ["an application's string", "a\x1b_Gf=100;AAAA\x1b\\b"],
  ["its 8-bit form", "a\x9d0;owned\x9cb"],
  ["where the cursor is", "a\x1b[6nb"],
  ["what the terminal is", "a\x1b[cb\x1b[>c"],
  ["the window", "a\x1b[8;1;1tb\x1b[21t"],
  ["the mouse", "a\x1b[?1003hb"],
  ["how keys are sent", "a\x1b[>4;2mb"],
  ["bracketed paste", "a\x1b[?2004hb"],
  ["a reset", "a\x1bcb"],
  ["a bell", "a\x07b"],
  ["a sequence without an end", `a\x1b[${"1;".repeat(100)}mb`],
  ["one of many repetitions", "a\x1b[99999999bb"],
  ["text that is turned around", "a\u202eb"],
])("what is more than drawing goes: %s", (_, text) => {
  expect(drawn(text).replaceAll("\x1b[", "")).toBe("ab");
});

test("it does not matter where the output is cut, and nothing but what draws ever comes out", () => {
  const piece = fc.constantFrom(
    "\x1b",
    "[",
    "]",
    "P",
    "?",
    "2",
    "5",
    ";",
    "m",
    "h",
    "n",
    "c",
    "\x07",
    "\\",
    "\x9b",
    "\x9d",
    "\x18",
    "(",
    "0",
    "a",
    "é",
    "\n",
    "$",
    " ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 3 }), (pieces, cuts) => {
      const text = pieces.join("");
      const screen = new Drawing();
      const at = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      const shown = at
        .slice(1)
        .map((end, index) => screen.draw(text.slice(at[index], end)))
        .join("");
      expect(shown).toBe(drawn(text));
      // What is left without the escapes that draw holds none, nor any other control character but those of lines.
      const rest = shown.split("\x1b").map((one, index) => (index === 0 ? one : one.replace(drawing, "")));
      expect([...rest.join("")].filter(isControl)).toEqual([]);
    }),
  );
});
