import { expect, test } from "vitest";
import type { Field } from "../fields.ts";
import { askedRequest } from "./asked-request.ts";

const body = Buffer.from("12345");

function asked(fields: readonly Field[]) {
  const request = { method: "POST", rawTrailers: [] };
  return askedRequest(request, "/refunds", [["Host", "api"], ...fields], body, () => false).message.headers;
}

test("what frames one request plainly is between the client and us", () => {
  expect(asked([["Content-Length", "5"]])).toEqual([]);
  expect(asked([["Transfer-Encoding", "chunked"]])).toEqual([]);
});

// Node's parser refuses most of these by itself; the gate does not rely on it.
test.each<[string, readonly Field[]]>([
  [
    "both",
    [
      ["Content-Length", "5"],
      ["Transfer-Encoding", "chunked"],
    ],
  ],
  [
    "two lengths",
    [
      ["Content-Length", "5"],
      ["Content-Length", "5"],
    ],
  ],
  ["another length than the body's", [["Content-Length", "4"]]],
  ["a length that is written otherwise", [["Content-Length", "+5"]]],
  [
    "two encodings",
    [
      ["Transfer-Encoding", "chunked"],
      ["Transfer-Encoding", "chunked"],
    ],
  ],
  ["another encoding", [["Transfer-Encoding", "gzip, chunked"]]],
  ["two hosts", [["Host", "other"]]],
  ["a field that is to be dropped on the way", [["Connection", "X-Amount"]]],
])("http-smuggle: %s stays in what is classified, which refuses it", (_, fields) => {
  expect(asked(fields)).toEqual(expect.arrayContaining(fields.map((field) => [...field])));
});

test("a field that is called like something every object has is a field like others", () => {
  const fields: readonly Field[] = [
    ["Constructor", "x"],
    ["__proto__", "x"],
    ["valueOf", "x"],
  ];
  expect(asked(fields)).toEqual(fields);
});

test("words for us count however they are written, and the first of each", () => {
  const request = { method: "GET", rawTrailers: [] };
  const fields: readonly Field[] = [
    ["Host", "api"],
    ["PREFER", "wait=5"],
    ["prefer", "Respond-Async"],
    ["Countersign-Reason", "why"],
    ["countersign-reason", "other"],
    ["Idempotency-Key", "k1"],
  ];
  const { wantsAsync, key, reason } = askedRequest(request, "/", fields, Buffer.alloc(0), () => false);
  expect({ wantsAsync, key, reason }).toEqual({ wantsAsync: true, key: "k1", reason: "why" });
});
