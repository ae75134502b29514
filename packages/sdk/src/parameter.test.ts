import { expect, test } from "vitest";
import { CountersignError } from "./errors.ts";
import { toSubmit } from "./operation.ts";
import { toParameter } from "./parameter.ts";
import { queryOf } from "./testing-agent.ts";

function text(value: unknown): unknown {
  return toParameter(value, 0).value?.value;
}

test.each<[unknown, string]>([
  ["", ""],
  ["naïve 🦊", "naïve 🦊"],
  [42, "42"],
  [-0, "0"],
  [1e21, "1e+21"],
  [0.1, "0.1"],
  [12345678901234567890n, "12345678901234567890"],
  [true, "true"],
  [new Date("2024-02-29T12:00:00.123Z"), "2024-02-29T12:00:00.123Z"],
  [new Date("+012024-01-01T00:00:00Z"), "12024-01-01T00:00:00.000Z"],
  [new Date("-000043-03-15T00:00:00Z"), "0044-03-15T00:00:00.000Z BC"],
  [{ a: [1, "x"] }, '{"a":[1,"x"]}'],
  [Object.assign(Object.create(null), { b: 1 }), '{"b":1}'],
  [new URL("https://example.org/"), '"https://example.org/"'],
  [[], "{}"],
  [[1, 2], '{"1","2"}'],
  [
    ["a,b", 'say "hi"', "back\\slash", "{x}", "NULL", "", null, undefined],
    '{"a,b","say \\"hi\\"","back\\\\slash","{x}","NULL","",NULL,NULL}',
  ],
  [[[1], [2]], '{{"1"},{"2"}}'],
  [[Buffer.from([0, 255])], '{"\\\\x00ff"}'],
  [[{ q: '"' }], '{"{\\"q\\":\\"\\\\\\"\\"}"}'],
])("%o becomes the text %s", (value, expected) => {
  expect(text(value)).toBe(expected);
});

test("null and undefined are NULL", () => {
  expect(toParameter(null, 0).value).toEqual({ $case: "null", value: true });
  expect(toParameter(undefined, 0).value).toEqual({ $case: "null", value: true });
});

test("bytes are binary, and only the viewed part of their buffer", () => {
  const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  expect(toParameter(view, 0).value).toEqual({ $case: "binary", value: Buffer.from([2, 3]) });
});

const cyclic: unknown[] = [];
cyclic.push(cyclic);
const cyclicObject: Record<string, unknown> = {};
cyclicObject.self = cyclicObject;

test.each([
  ["NaN", Number.NaN],
  ["infinity", Number.POSITIVE_INFINITY],
  ["a function", () => 1],
  ["a symbol", Symbol("s")],
  ["a NUL character", "a\0b"],
  ["a lone surrogate", "a\ud800"],
  ["an invalid Date", new Date("nonsense")],
  ["a Map, which JSON would make empty", new Map([["a", 1]])],
  ["a promise that somebody forgot to await", Promise.resolve(1)],
  ["a NUL character in an array", ["\0"]],
  ["a cyclic array", cyclic],
  ["a cyclic object", cyclicObject],
  ["an ArrayBuffer", new ArrayBuffer(4)],
])("refuses %s, naming the parameter", (_what, value) => {
  const act = () => toParameter(value, 2);
  expect(act).toThrow(CountersignError);
  expect(act).toThrow(expect.objectContaining({ code: "invalid_parameter", message: expect.stringContaining("$3") }));
});

test.each(["", "  \n", "select '\0'", "select '\udfff'"])("refuses the statement %j before it is sent", (statement) => {
  const act = () => toSubmit({ kind: "postgres.query", resource: "r", statement }, {}, "");
  expect(act).toThrow(expect.objectContaining({ code: "invalid_operation" }));
});

test("holes of a sparse array are NULL; more parameters than PostgreSQL takes are refused", () => {
  const action = { kind: "postgres.query", resource: "r", statement: "select $1, $2" } as const;
  const sparse: unknown[] = [];
  sparse[1] = "x";
  const { operation } = toSubmit({ ...action, parameters: sparse }, {}, "");
  expect(queryOf({ operation })?.parameters.map(({ value }) => value?.$case)).toEqual(["null", "text"]);
  const act = () => toSubmit({ ...action, parameters: new Array(65_536).fill(1) }, {}, "");
  expect(act).toThrow(expect.objectContaining({ code: "invalid_parameter" }));
});
