import { expect, test } from "vitest";
import type { Operation } from "../api/operation.ts";
import { changedParts } from "./operation-changes.ts";
import { fieldsOf } from "./operation-fields.ts";

const own = { connection: undefined, streamed: false };
const request: Operation = {
  ...{ kind: "http.request", method: "POST", path: "/refunds", ...own },
  headers: [
    { name: "accept", value: "a" },
    { name: "accept", value: "b" },
  ],
  body: { type: "text", value: '{"amount":1}' },
};

test("every field that can be written shows as a change of its own, and back again as none", () => {
  for (const { label, text, set } of fieldsOf(request)) {
    const changed = set(`${text}x`);
    expect(changedParts(request, changed), label).toHaveLength(1);
    expect(changed.kind).toBe("http.request");
    expect(changedParts(request, set(text)), label).toEqual([]);
  }
  expect(fieldsOf(request).map(({ label }) => label)).toEqual(["Method", "Path and query", "Body"]);
});

test("of two headers of one name the changed one is told", () => {
  const changed: Operation = {
    ...request,
    headers: [
      { name: "accept", value: "a" },
      { name: "accept", value: "c" },
    ],
  };
  expect(changedParts(request, changed)).toEqual([{ name: "accept (2)", before: "“b”", after: "“c”", short: true }]);
});

test("JSON is compared line by line, unless only white space is different", () => {
  const of = (value: string): Operation => ({ ...request, body: { type: "text", value } });
  expect(changedParts(of('{"a":1,"b":2}'), of('{"a":1,"b":3}'))).toEqual([
    { name: "Body", before: '{\n  "a": 1,\n  "b": 2\n}', after: '{\n  "a": 1,\n  "b": 3\n}', short: false },
  ]);
  expect(changedParts(of('{"a":1}'), of('{"a": 1}'))).toEqual([
    { name: "Body", before: '{"a":1}', after: '{"a": 1}', short: false },
  ]);
});

test("bytes are compared whole, and cannot be written", () => {
  const bytes = (last: number): Operation => ({ ...request, body: { type: "binary", value: Uint8Array.of(255, last) } });
  expect(changedParts(bytes(1), bytes(2))).toEqual([{ name: "Body", before: "ff 01", after: "ff 02", short: false }]);
  expect(fieldsOf(bytes(1)).map(({ label }) => label)).not.toContain("Body");
});
