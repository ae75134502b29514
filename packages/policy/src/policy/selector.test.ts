import { expect, test } from "vitest";
import { selects } from "./selector.ts";

const resource = { name: "orders-db", labels: { env: "prod", team: "a=b" } };

test.each([
  "orders-db",
  "orders-*",
  "*",
  "*-db",
  "o*s-*b",
  "orders-d?",
  "*orders-db*",
  "label:env=prod",
  "label:env=p*",
  "label:team=a=b",
])("%s names it", (selector) => {
  expect(selects(selector, resource)).toBe(true);
});

test.each([
  "orders",
  "orders-db2",
  "Orders-db",
  "orders-?",
  "?",
  "",
  "orders-db?",
  "label:env=dev",
  "label:env=pro",
  "label:Env=prod",
  "label:toString=*",
  "label:constructor=*",
])("%j does not", (selector) => {
  expect(selects(selector, resource)).toBe(false);
});

test("no pattern takes long", () => {
  const name = "a".repeat(20_000);
  const start = performance.now();
  expect(selects(`${"*a".repeat(500)}b`, { name, labels: {} })).toBe(false);
  expect(performance.now() - start).toBeLessThan(1000);
});
