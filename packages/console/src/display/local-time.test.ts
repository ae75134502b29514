import { expect, test } from "vitest";
import { localInput, readLocalInput } from "./local-time.ts";

test("a moment comes back to the minute, in whatever zone", () => {
  const ms = Date.UTC(2026, 0, 5, 3, 4, 59);
  expect(readLocalInput(localInput(ms))).toBe(ms - 59_000);
  expect(localInput(ms)).toMatch(/^2026-01-0\dT\d\d:\d\d$/);
});

test.each(["", "2026", "2026-13-01T00:00", "tomorrow", "2026-01-01T00:00Z", "2026-01-01"])("%j is no moment", (text) => {
  expect(readLocalInput(text)).toBeUndefined();
});
