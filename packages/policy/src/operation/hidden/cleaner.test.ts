import { expect, test } from "vitest";
import { Cleaner } from "./cleaner.ts";
import { hidingWith } from "./hide.ts";

const hide = hidingWith("salt");
const key = "-----BEGIN KEY-----\nMIIEvgIBADANBgkqhkiG9w0BAQ\nEFAASCBKgwggSkAgEAAoIBAQ\n-----END KEY-----\n";
const base64 = (text: string) => Buffer.from(text).toString("base64");

function cleaner(): Cleaner {
  const one = new Cleaner(hide);
  const data = { password: base64("hunter2.*"), key: base64(key), pin: base64("42"), what: base64("hidden") };
  one.learn(JSON.stringify({ kind: "Secret", data }), false);
  return one;
}

test("a hidden value is taken out of what others say of it, however they write it", () => {
  const mark = hide(Buffer.from("hunter2.*"));
  expect(cleaner().text(`is "hunter2.*" or ${base64("hunter2.*")}?`)).toBe(`is "${mark}" or ${mark}?`);
  const told = cleaner().text(`bad line MIIEvgIBADANBgkqhkiG9w0BAQ in ${JSON.stringify(key)}`);
  for (const line of key.split("\n").filter((one) => one !== "")) expect(told).not.toContain(line);
});

test("a short one only where it stands alone: in other text it is anything", () => {
  expect(cleaner().text("42")).toBe(hide(Buffer.from("42")));
  expect(cleaner().text("it answered 422")).toBe("it answered 422");
});

test("very large and very many values keep nobody waiting", () => {
  const large = new Cleaner(hide);
  const value = `${"x".repeat(500_000)}\n${"some line of a file\n".repeat(20_000)}`;
  const startedMs = performance.now();
  large.learn(JSON.stringify({ stringData: { value } }), true);
  expect(large.text(`was ${value}!`)).toBe(`was ${hide(Buffer.from(value))}!`);
  const many = new Cleaner(hide);
  const data = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, `value-${index}`]));
  many.learn(JSON.stringify({ stringData: data }), true);
  expect(many.text("it says value-19999")).not.toContain("value-19999");
  expect(performance.now() - startedMs).toBeLessThan(2000);
});

test("what stands for a value is left as it is, whatever the values are", () => {
  const mark = hide(Buffer.from("another"));
  expect(cleaner().text(`${mark} hidden`)).toBe(`${mark} ${hide(Buffer.from("hidden"))}`);
});

test("whatever holds texts is gone through", () => {
  const clean = cleaner().value({ a: ["hunter2.*", 1, null], b: new Date(0) });
  expect(clean).toEqual({ a: [hide(Buffer.from("hunter2.*")), 1, null], b: new Date(0) });
});
