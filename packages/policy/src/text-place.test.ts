import { expect, test } from "vitest";
import { openDocument } from "./open-document.ts";

/** Finds the place of a word in the scalar under `when`, as line:column. */
function place(text: string, word = "WRONG"): string {
  const document = openDocument("f.yaml", text);
  const value = (document.value as { when: string }).when;
  const { line, column } = document.problem(["when"], "", value.indexOf(word));
  const found = text.split("\n")[line - 1]?.slice(column - 1, column - 1 + word.length);
  return `${line}:${column} ${found}`;
}

test.each([
  ["when: a && WRONG", "1:12 WRONG"],
  ["when: 'a == ''x'' && WRONG'", "1:22 WRONG"],
  ['when: "a == \\"x\\" && WRONG"', "1:22 WRONG"],
  ['when: "a &&\\n\\tb && WRONG"', "1:21 WRONG"],
  ["when: |\n  a &&\n    b && WRONG\n  && c\n", "3:10 WRONG"],
  ["when: |-\n\n\n     a &&\n  \n     WRONG", "6:6 WRONG"],
  ["when: >\n  a &&\n  b\n\n  && WRONG\nx: 1", "5:6 WRONG"],
  ["when: >- # note\n    a\n    && WRONG", "3:8 WRONG"],
  ["when:\n  a &&\n  b && WRONG\n", "3:8 WRONG"],
  ['when: "a &&\n  b && WRONG"', "2:8 WRONG"],
  ["when: 'a &&\n\n  b && WRONG'", "3:8 WRONG"],
  ["when: &anchor a && WRONG", "1:20 WRONG"],
])("%j", (text, expected) => {
  expect(place(text)).toBe(expected);
});

test("the end of a text, and an escape that is not known", () => {
  expect(openDocument("f.yaml", "when: a &&").problem(["when"], "", 4)).toMatchObject({ line: 1, column: 11 });
  expect(place('when: "\\u0061 && WRONG"')).toBe('1:7 "\\u00');
});
