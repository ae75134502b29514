import fc from "fast-check";
import { expect, test } from "vitest";
import { endText } from "./journal-lines.ts";

test("a duration is written as the number that it is, to the microsecond", () => {
  const end = { rows: 1, bytes: 2, state: "succeeded" } as const;
  const written = (durationMs: number): unknown => JSON.parse(`[${endText({ ...end, durationMs }).figures}]`);
  for (const ms of [0, 0.001, 0.0004, 0.5, 0.12, 1, 1.25, 999.9996, 86_400_000.123])
    expect(written(ms)).toEqual([Math.round(ms * 1000) / 1000, 1, 2, "succeeded"]);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
      expect(written(ms)).toEqual([Math.round(ms * 1000) / 1000, 1, 2, "succeeded"]);
    }),
  );
});
