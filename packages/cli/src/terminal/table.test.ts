import { expect, test } from "vitest";
import { columnWidths, tableLine, truncate } from "./table.ts";

const columns = [{ title: "id" }, { title: "n", align: "right" }, { title: "statement", shrinks: true }] as const;
const rows = [
  ["req_1", "7", "delete from orders where id = 1"],
  ["req_22", "1234", "select '日本語'"],
];

function table(screen: number): string[] {
  const widths = columnWidths(columns, rows, screen);
  return rows.map((row) => tableLine(columns, widths, row));
}

test("columns align, numbers to the right", () => {
  expect(table(80)).toEqual(["req_1      7  delete from orders where id = 1", "req_22  1234  select '日本語'"]);
});

test("only a shrinking column gives way to the screen's width", () => {
  expect(table(26)).toEqual(["req_1      7  delete from…", "req_22  1234  select '日…"]);
});

test("a cut never splits a character, and counts wide ones as two", () => {
  expect(truncate("日本語", 5)).toBe("日本…");
  expect(truncate("日本語", 6)).toBe("日本語");
  expect(truncate("👩‍👩‍👧x", 2)).toBe("…");
});

test("an endless column takes what there is", () => {
  expect(tableLine(columns, [6, 4, Number.POSITIVE_INFINITY], rows[0] ?? [])).toBe(
    "req_1      7  delete from orders where id = 1",
  );
});
