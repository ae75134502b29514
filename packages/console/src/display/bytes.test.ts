import { expect, test } from "vitest";
import { hex, shortDigest, size } from "./bytes.ts";

test("sizes are in powers of 1000, as in policy files", () => {
  expect([0, 999, 1000, 1500, 10_000_000].map(size)).toEqual(["0 B", "999 B", "1 kB", "1.5 kB", "10 MB"]);
});

test("every byte is shown as hex", () => {
  expect(hex(Uint8Array.of(0, 255, 16, 1, 2))).toBe("00 ff 10 01  02");
  expect(hex(new Uint8Array())).toBe("");
});

test("a digest is shortened to its first twelve digits", () => {
  expect(shortDigest(`sha256:${"ab".repeat(32)}`)).toBe("abababababab");
});
