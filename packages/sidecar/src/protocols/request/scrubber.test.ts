import fc from "fast-check";
import { expect, test } from "vitest";
import { Scrubber } from "./scrubber.ts";

const secret = 'k3y/with+odd"letters';

function scrubbed(text: string, cuts: readonly number[]): string {
  const scrubber = new Scrubber([secret]);
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const parts = at.slice(1).map((end, index) => Buffer.from(scrubber.body(Buffer.from(bytes.subarray(at[index], end)))));
  return Buffer.concat([...parts, scrubber.rest()]).toString();
}

test("http-creds: however it is written and wherever its parts are cut, nothing of it is left, and every length stays", () => {
  const forms = [
    secret,
    JSON.stringify(secret),
    encodeURIComponent(secret),
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("hex"),
  ];
  const cuts = fc.array(fc.nat(500), { maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...forms), fc.string(), fc.string(), cuts, (form, before, after, at) => {
      const text = `${before}${form}${after}`;
      const clean = scrubbed(text, at);
      expect(clean).not.toContain(form.replace(/^"|"$|=+$/g, ""));
      expect(Buffer.byteLength(clean)).toBe(Buffer.byteLength(text));
      expect(clean.startsWith(before.toWellFormed())).toBe(true);
    }),
  );
});

test("http-creds: base64 of a longer text that holds it, and JSON as Go writes it", () => {
  const odd = `<${secret}&>`;
  const scrubber = new Scrubber([odd]);
  const go = JSON.stringify(odd).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026");
  for (const before of ["", "a", "ab", "abc", "token: "])
    for (const after of ["", "d", "de", "def", " # end"])
      for (const form of ["base64", "base64url"] as const) {
        const text = Buffer.from(`${before}${odd}${after}`).toString(form);
        const clean = scrubber.body(Buffer.from(text)).toString() + scrubber.rest().toString();
        expect(clean).toHaveLength(text.length);
        const left = Buffer.from(clean.replaceAll("*", ""), "base64").toString("latin1");
        expect(left.length).toBeLessThan(before.length + after.length + 5);
        expect(Buffer.from(clean, "base64").toString("latin1")).not.toContain(odd.slice(2, -2));
      }
  expect(scrubber.body(Buffer.from(go)).toString()).toMatch(/^"\*+"$/);
});

test("what is no secret passes at once, but for what may be the beginning of one", () => {
  const scrubber = new Scrubber([secret, "short"]);
  expect(scrubber.body(Buffer.from("data: short\n\n")).toString()).toBe("data: short\n\n");
  expect(scrubber.body(Buffer.from("data: k3y")).toString()).toBe("data: ");
  expect(scrubber.body(Buffer.from("board")).toString()).toBe("k3yboard");
});

test("http-creds: every field is looked through, its name too; what only seems to be there across two stays", () => {
  const scrubber = new Scrubber(["first\nsecond"]);
  expect(
    scrubber.fields([
      ["x-first", "first"],
      ["second", "2"],
    ]),
  ).toEqual([
    ["x-first", "first"],
    ["second", "2"],
  ]);
  const fields = new Scrubber([secret]).fields([
    ["content-type", "text/plain"],
    ["x-echo", `Bearer ${secret}`],
    [`x-${Buffer.from(secret).toString("hex")}`, ""],
  ]);
  expect(fields).toEqual([
    ["content-type", "text/plain"],
    ["x-echo", `Bearer ${"*".repeat(secret.length)}`],
    [`x-${"*".repeat(2 * secret.length)}`, ""],
  ]);
});
