import fc from "fast-check";
import { expect, test } from "vitest";
import { GrowingText } from "./growing-text.ts";

test("it holds what was added, whatever that is and however much", () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme", maxLength: 2000 }), fc.constant("ä".repeat(3000)));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const growing = new GrowingText();
      let all = "";
      for (const one of texts) {
        growing.add(one);
        all += one;
        expect(growing.isEmpty).toBe(all === "");
        expect(growing.length).toBeGreaterThanOrEqual(Buffer.byteLength(all) - 3 * 1024);
        expect(growing.length).toBeLessThanOrEqual(Buffer.byteLength(all));
      }
      expect(growing.toString()).toBe(Buffer.from(all).toString());
      expect(growing.length).toBe(Buffer.byteLength(all));
    }),
  );
});
