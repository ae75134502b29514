import { expect, test } from "vitest";
import type { TypeParsers } from "./field-reader.ts";
import { type RowMode, RowReader } from "./row-reader.ts";
import { dataRow } from "./testing-agent.ts";

const column = (name: string, typeOid: number) => ({ name, typeOid, typeModifier: -1 });

function value(typeOid: number, text: string, types: TypeParsers = {}): unknown {
  const into: unknown[][] = [];
  new RowReader<unknown[]>([column("c", typeOid)], "array", types).read(dataRow([text]), 1, into);
  return into[0]?.[0];
}

test.each<[string, number, string, unknown]>([
  ["bool", 16, "t", true],
  ["bool", 16, "f", false],
  ["int2", 21, "-32768", -32768],
  ["int4", 23, "2147483647", 2147483647],
  ["oid", 26, "4294967295", 4294967295],
  ["int8", 20, "9007199254740993", "9007199254740993"],
  ["numeric", 1700, "0.10", "0.10"],
  ["float8", 701, "-1.5e-7", -1.5e-7],
  ["float8", 701, "Infinity", Number.POSITIVE_INFINITY],
  ["text", 25, "naïve 🦊", "naïve 🦊"],
  ["an unknown type", 99_999, "(1,2)", "(1,2)"],
  ["uuid", 2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
  ["json", 114, '{"a":1}', { a: 1 }],
  ["jsonb", 3802, "null", null],
  ["timestamptz", 1184, "2024-05-01 12:00:00.5+02", new Date("2024-05-01T10:00:00.500Z")],
  ["timestamp, taken as UTC", 1114, "2024-05-01 12:00:00", new Date("2024-05-01T12:00:00Z")],
  ["date, which is no moment", 1082, "2024-05-01", "2024-05-01"],
  ["bytea", 17, "\\x00ff", Buffer.from([0, 255])],
  ["int4[]", 1007, "{1,NULL,3}", [1, null, 3]],
  ["text[]", 1009, '{"a,b",NULL,"\\"q\\""}', ["a,b", null, '"q"']],
])("reads %s (%i) %s", (_name, oid, text, expected) => {
  expect(value(oid, text)).toEqual(expected);
});

test("own parsers win over the defaults", () => {
  expect(value(20, "9007199254740993", { 20: BigInt })).toBe(9007199254740993n);
  expect(value(23, "5", { 23: String })).toBe("5");
});

function read(mode: RowMode, names: string[], ...rows: (string | null)[][]): unknown[] {
  const into: unknown[] = [];
  const reader = new RowReader<unknown>(
    names.map((name) => column(name, 25)),
    mode,
    {},
  );
  reader.read(Buffer.concat(rows.map(dataRow)), rows.length, into);
  return into;
}

test("rows are objects or arrays; NULL is null; the last of equal names wins", () => {
  expect(read("object", ["a", "b"], ["1", null], ["2", ""])).toEqual([
    { a: "1", b: null },
    { a: "2", b: "" },
  ]);
  expect(read("array", ["a", "a"], ["1", "2"])).toEqual([["1", "2"]]);
  expect(read("object", ["a", "a"], ["1", "2"])).toEqual([{ a: "2" }]);
  expect(read("object", [], [])).toEqual([{}]);
});

test("a column called __proto__ is a column, not the row's prototype", () => {
  const [row] = read("object", ["__proto__", "x"], ["evil", "1"]);
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  expect(Object.entries(row ?? {})).toEqual([
    ["__proto__", "evil"],
    ["x", "1"],
  ]);
});

test("truncated at any byte, too long or of another width: refused, never a wrong row", () => {
  const reader = () => new RowReader<unknown>([column("a", 25), column("b", 23)], "object", {});
  const good = dataRow(["hello", "7"]);
  for (let end = 0; end < good.length; end++) {
    expect(() => reader().read(good.subarray(0, end), 1, [])).toThrow(expect.objectContaining({ code: "internal" }));
  }
  expect(() => reader().read(Buffer.concat([good, Buffer.from([0])]), 1, [])).toThrow(
    expect.objectContaining({ code: "internal" }),
  );
  expect(() => reader().read(dataRow(["a"]), 1, [])).toThrow(expect.objectContaining({ code: "internal" }));
  const negative = Buffer.from(good);
  negative.writeInt32BE(-2, 2);
  expect(() => reader().read(negative, 1, [])).toThrow(expect.objectContaining({ code: "internal" }));
});
