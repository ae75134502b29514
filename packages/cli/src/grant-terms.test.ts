import { expect, test } from "vitest";
import { exitCodes } from "./exit.ts";
import { parseGrant } from "./grant-terms.ts";

test("how often, for how long, and what values may be", () => {
  const bounds = ["$1=range:1..1000", "constant 2=any", "query a=prefix:x=y..z", "$3=one_of:a,b", '$4=one_of:["a,b","c"]'];
  expect(parseGrant("uses=20,ttl=8h", bounds)).toEqual({
    uses: 20,
    ttlSeconds: 28_800,
    bounds: [
      { value: "$1", bound: { $case: "range", value: { min: "1", max: "1000" } } },
      { value: "constant 2", bound: { $case: "any", value: true } },
      { value: "query a", bound: { $case: "prefix", value: "x=y..z" } },
      { value: "$3", bound: { $case: "oneOf", value: { values: ["a", "b"] } } },
      { value: "$4", bound: { $case: "oneOf", value: { values: ["a,b", "c"] } } },
    ],
  });
});

test.each([
  ["20", []],
  ["uses=20", []],
  ["ttl=8h", []],
  ["uses=0,ttl=8h", []],
  ["uses=1e3,ttl=8h", []],
  ["uses=20,ttl=8", []],
  ["uses=20,ttl=1ms", []],
  ["uses=20,ttl=8h,more=1", []],
  ["uses=20,ttl=8h", ["$1"]],
  ["uses=20,ttl=8h", ["$1=7"]],
  ["uses=20,ttl=8h", ["=any"]],
  ["uses=20,ttl=8h", ["$1=range:1"]],
  ["uses=20,ttl=8h", ["$1=one_of:[1]"]],
  ["uses=20,ttl=8h", ["$1=one_of:[x"]],
])("a mistake is told before anything is asked: %s %j", (grant, bounds) => {
  expect(() => parseGrant(grant, bounds)).toThrow(expect.objectContaining({ exitCode: exitCodes.usage }));
});
