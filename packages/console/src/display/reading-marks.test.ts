import { expect, test } from "vitest";
import { exactText } from "./exact-text.ts";
import { withReadingMarks } from "./reading-marks.ts";

/** The longest stretches without a mark, in characters and in lines, and the text without the marks. */
function measure(text: string) {
  let characters = 0;
  let lines = 0;
  let worst = { characters: 0, lines: 0 };
  let rebuilt = "";
  const marked = withReadingMarks(exactText(text));
  for (const [index, line] of marked.entries()) {
    if (index > 0) rebuilt += "\n";
    lines++;
    for (const part of line.parts) {
      if (part === "mark") {
        characters = 0;
        lines = 0;
      } else {
        rebuilt += part.source;
        characters += part.shown.length;
        worst = { characters: Math.max(worst.characters, characters), lines: Math.max(worst.lines, lines) };
      }
    }
  }
  return { ...worst, rebuilt, first: marked[0]?.parts[0], last: marked.at(-1)?.parts.at(-1) };
}

test.each([
  ["nothing", ""],
  ["one line", "select 1"],
  ["many lines", "x\n".repeat(100)],
  ["empty lines", "\n".repeat(100)],
  ["one huge line", "😀a".repeat(5_000)],
  ["hidden characters", "\u200B".repeat(500)],
])("%s begins and ends with a mark, has one every few lines, and is whole", (_, text) => {
  const measured = measure(text);
  expect([measured.first, measured.last]).toEqual(["mark", "mark"]);
  expect(measured.characters).toBeLessThan(330);
  expect(measured.lines).toBeLessThanOrEqual(4);
  expect(measured.rebuilt).toBe(text);
});
