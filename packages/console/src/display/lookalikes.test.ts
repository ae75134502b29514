import { expect, test } from "vitest";
import { lookalikes } from "./lookalikes.ts";

const notes = (text: string) => lookalikes(text).map((one) => one.note);

test("words of one script are not flagged", () => {
  expect(
    notes("select * from orders where name = 'Müller' or name = 'Дмитрий' or name = '東京タワー' or name = 'Ελλάδα'"),
  ).toEqual([]);
});

test("a word that mixes scripts is flagged with its place", () => {
  expect(lookalikes("x раypal")).toEqual([{ start: 2, end: 8, word: "раypal", note: "mixes Latin and Cyrillic letters" }]);
});

test("a word wholly in letters that are drawn like Latin ones is flagged", () => {
  expect(notes("from \u0441\u043E\u0440\u0443")).toEqual(["looks like Latin letters but is Cyrillic"]);
});

test("full-width and mathematical letters are flagged", () => {
  expect(notes("ＤＲＯＰ")).toEqual(["stands for “DROP” in special letters"]);
  expect(notes("𝐝𝐫𝐨𝐩")).toEqual(["stands for “drop” in special letters"]);
});
