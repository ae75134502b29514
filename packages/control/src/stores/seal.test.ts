import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openSeal } from "./seal.ts";

const key = randomBytes(32);

test("what was sealed opens under its name and key only", () => {
  const seal = openSeal(key);
  const sealed = seal.seal("req_1/head", { text: "ünïcode", list: [1, null] });
  expect(seal.open("req_1/head", sealed)).toEqual({ text: "ünïcode", list: [1, null] });
  expect(Buffer.from(sealed).toString("latin1")).not.toContain("list");
  expect(() => seal.open("req_2/head", sealed)).toThrow("changed from outside");
  expect(() => openSeal(randomBytes(32)).open("req_1/head", sealed)).toThrow("changed from outside");
});

test("a change of any byte shows", () => {
  const seal = openSeal(key);
  const sealed = seal.seal("name", "value");
  for (let index = 0; index < sealed.length; index++) {
    const changed = Uint8Array.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => seal.open("name", changed)).toThrow("changed from outside");
  }
  for (let length = 0; length < sealed.length; length++) expect(() => seal.open("name", sealed.subarray(0, length))).toThrow();
});
