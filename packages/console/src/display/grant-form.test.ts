import { expect, test } from "vitest";
import type { GrantBounds } from "../api/model.ts";
import { type BoundFields, fieldsOf, narrowFields, readGrant } from "./grant-form.ts";

const permitted: GrantBounds = {
  maxUses: 20,
  maxTtlSeconds: 28_800,
  values: [
    { name: "$1", value: { type: "text", value: "open" } },
    { name: "$2", value: { type: "text", value: "7" } },
  ],
};
const blank: BoundFields = { kind: "exact", prefix: "", list: "", min: "", max: "" };
const withBound = (bound: Partial<BoundFields>) =>
  readGrant({ ...narrowFields(permitted), bounds: { $2: { ...blank, ...bound } } }, permitted);

test("as it opens, the form leaves nothing to the agent", () => {
  expect(readGrant(narrowFields(permitted), permitted)).toEqual({ terms: { uses: 5, ttlSeconds: 3600, bounds: [] } });
  const small = { ...permitted, maxUses: 1, maxTtlSeconds: 90 };
  expect(readGrant(narrowFields(small), small)).toEqual({ terms: { uses: 1, ttlSeconds: 90, bounds: [] } });
});

test("the terms of another vote come back the same", () => {
  const terms = {
    uses: 3,
    ttlSeconds: 7200,
    bounds: [
      { value: "$1", bound: { type: "one-of", values: ["open", "held"] } },
      { value: "$2", bound: { type: "range", min: "1", max: "1000" } },
    ],
  } as const;
  expect(readGrant(fieldsOf(terms), permitted)).toEqual({ terms });
});

test.each([
  ["uses", { uses: "21" }],
  ["uses", { uses: "0" }],
  ["uses", { uses: "1e3" }],
  ["uses", { uses: "-1" }],
  ["time", { time: "9" }],
  ["time", { time: "" }],
  ["time", { time: "1", unit: "days" as const }],
])("what is more than the rules permit is not sent: %s %j", (field, change) => {
  expect(readGrant({ ...narrowFields(permitted), unit: "hours", ...change }, permitted)).toEqual({
    mistakes: { [field]: expect.any(String) },
  });
});

test.each([
  [{ kind: "any" }, { type: "any" }],
  [
    { kind: "prefix", prefix: " a" },
    { type: "prefix", prefix: " a" },
  ],
  [
    { kind: "one-of", list: "a\n\nb\na" },
    { type: "one-of", values: ["a", "b"] },
  ],
  [
    { kind: "range", min: " 1", max: "2.5 " },
    { type: "range", min: "1", max: "2.5" },
  ],
] as const)("a bound is read: %j", (fields, bound) => {
  expect(withBound(fields)).toMatchObject({ terms: { bounds: [{ value: "$2", bound }] } });
});

test.each([
  { kind: "prefix" },
  { kind: "one-of", list: "\n" },
  { kind: "range", min: "1", max: "x" },
  { kind: "range", min: "0x1", max: "2" },
  { kind: "range", min: "3", max: "2" },
] as const)("an unfinished bound is a mistake, never no bound: %j", (fields) => {
  expect(withBound(fields)).toEqual({ mistakes: { $2: expect.any(String) } });
});
