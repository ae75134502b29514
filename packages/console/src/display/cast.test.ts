import { expect, test } from "vitest";
import { castEvents, castSize, sizeOf } from "./cast.ts";

test("events are read, what was typed and what is none is passed over", () => {
  const lines =
    '{"version":2,"width":91,"height":31}\n[0.5,"o","a"]\n[1,"i","secret"]\n[1.5,"r","120x50"]\n[2,"m","here"]\n[3,"o"]\n';
  expect(castSize(lines)).toEqual({ columns: 91, rows: 31 });
  expect(castEvents(lines)).toEqual([
    { atMs: 500, type: "output", text: "a" },
    { atMs: 1500, type: "size", text: "120x50" },
    { atMs: 2000, type: "mark", text: "here" },
  ]);
});

test("a size that a browser could not hold is cut", () => {
  expect(sizeOf({ atMs: 0, type: "size", text: "99999x0" })).toEqual({ columns: 500, rows: 1 });
  expect(sizeOf({ atMs: 0, type: "size", text: "1x" })).toBeUndefined();
  expect(castSize("[]")).toBeUndefined();
});
