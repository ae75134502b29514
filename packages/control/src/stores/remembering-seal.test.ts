import { randomBytes } from "node:crypto";
import { expect, test, vi } from "vitest";
import { rememberingSeal } from "./remembering-seal.ts";
import { openSeal } from "./seal.ts";

function opened() {
  const under = openSeal(randomBytes(32));
  const open = vi.spyOn(under, "open");
  return { seal: rememberingSeal(under), open };
}

test("what was opened is given once more without being opened", () => {
  const { seal, open } = opened();
  const sealed = seal.seal("req_1/head", { text: "yes" });
  for (let time = 0; time < 4; time++) expect(seal.open("req_1/head", Uint8Array.from(sealed))).toEqual({ text: "yes" });
  expect(open).toHaveBeenCalledTimes(2);
});

test("a change of any byte shows, and another row's text too, also after the right one was opened", () => {
  const { seal } = opened();
  const sealed = seal.seal("req_1/head", "value");
  for (let index = 0; index < sealed.length; index++) {
    expect(seal.open("req_1/head", sealed)).toBe("value");
    const changed = Uint8Array.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => seal.open("req_1/head", changed)).toThrow("changed from outside");
    expect(() => seal.open("req_1/head", sealed.subarray(0, index))).toThrow("changed from outside");
  }
  expect(() => seal.open("req_2/head", sealed)).toThrow("changed from outside");
});

test("what is sealed anew is what is read", () => {
  const { seal } = opened();
  for (const value of ["first", "second", "first"])
    expect(seal.open("req_1/course", seal.seal("req_1/course", value))).toBe(value);
});

test("few are remembered, and nothing that is long", () => {
  const { seal, open } = opened();
  const first = seal.seal("0", 0);
  const long = seal.seal("long", "x".repeat(20_000));
  for (let time = 0; time < 3; time++) seal.open("long", long);
  expect(open).toHaveBeenCalledTimes(3);
  seal.open("0", first);
  for (let n = 1; n <= 100; n++) seal.open(`${n}`, seal.seal(`${n}`, n));
  open.mockClear();
  seal.open("0", first);
  expect(open).toHaveBeenCalledOnce();
});
