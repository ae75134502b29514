import { describe, expect, test } from "vitest";
import type { Body } from "../../action.ts";
import { CountersignError } from "../../outcome.ts";
import { readBody, readBytes } from "./body.ts";
import { readHeaders } from "./headers.ts";

const json = "application/json";
const form = "application/x-www-form-urlencoded";

function read(body: Body | undefined, type?: string, ...more: (readonly [string, string])[]) {
  const bytes = readBytes(body);
  return readBody(bytes, readHeaders([...(type === undefined ? [] : [["Content-Type", type] as const]), ...more], bytes.length));
}

function refusal(body: Body, type?: string): string {
  try {
    read(body, type);
  } catch (error) {
    if (error instanceof CountersignError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test.each<[string, string, unknown]>([
  [json, '{"a":[1,"b",null,true,{"c":1.5}]}', { a: [1, "b", null, true, { c: 1.5 }] }],
  ["Application/JSON; charset=UTF-8", ' {"a" : 1 }\r\n', { a: 1 }],
  ['application/json;charset="utf-8"', "[]", []],
  ["application/merge-patch+json", '{"a":null}', { a: null }],
  ["application/vnd.api+json; version=2", "1", 1],
  [json, '"\\u00e9é"', "éé"],
  [form, "amount=7&to=a+b%40c", { amount: ["7"], to: ["a b@c"] }],
])("%s: %s", (type, text, value) => {
  expect(read({ text }, type)).toEqual({ contentType: type.toLowerCase().split(";", 1)[0], value, doubts: [] });
});

test("bytes that are UTF-8 are read as text", () => {
  const binary = Buffer.from('{"a":"é"}').toString("base64url");
  expect(read({ binary }, json)).toEqual({ contentType: json, value: { a: "é" }, doubts: [] });
});

test("no body is understood, whatever its type", () => {
  for (const body of [undefined, { text: "" }, { binary: "" }])
    expect(read(body, "image/png", ["Content-Encoding", "gzip"])).toEqual({ contentType: "image/png", value: null, doubts: [] });
});

describe("http-body: not looked into, so opaque", () => {
  test.each<[string, Body, string | undefined]>([
    ["no type", { text: "{}" }, undefined],
    ["an empty type", { text: "{}" }, ""],
    ["another type", { text: "{}" }, "text/plain"],
    ["several parts", { text: "--x" }, "multipart/form-data; boundary=x"],
    ["lines of JSON", { text: "{}\n{}" }, "application/x-ndjson"],
    ["XML", { text: "<a/>" }, "application/xml"],
    ["two types", { text: "{}" }, "application/json, text/plain"],
    ["another charset", { text: "{}" }, "application/json; charset=utf-16"],
    ["a charset that hides quotes", { text: "{}" }, "application/json; charset=ibm037"],
    ["two charsets", { text: "{}" }, "application/json; charset=utf-8; charset=utf-7"],
    ["a charset by another spelling", { text: "{}" }, "application/json; charset*=utf-8''utf-16"],
    ["a broken parameter", { text: "{}" }, "application/json; charset"],
    ["a quoted semicolon", { text: "{}" }, 'application/json; x="; charset=utf-16"'],
    ["bytes that are not UTF-8", { binary: "_w" }, json],
    ["UTF-16", { binary: Buffer.from("{}", "utf16le").toString("base64url") }, json],
    ["a byte order mark", { text: "\ufeff{}" }, json],
    ["a byte order mark in bytes", { binary: Buffer.from("\ufeff{}").toString("base64url") }, json],
    ["more than 256 KiB", { text: `"${"a".repeat(256 * 1024)}"` }, json],
    ["a form that is too large", { text: `a=${"a".repeat(256 * 1024)}` }, form],
  ])("%s", (_, body, type) => {
    const { value, doubts } = read(body, type);
    expect(value).toBe(null);
    expect(doubts.join()).toMatch(/^the body is not (?:looked into|JSON)/);
  });

  test("an encoding", () => {
    expect(read({ text: "{}" }, json, ["Content-Encoding", "gzip"]).doubts.join()).toMatch(/Content-Encoding/);
    expect(read({ text: "{}" }, json, ["Content-Encoding", "identity"]).value).toBe(null);
  });

  test.each(["id=7&id=8", "id=7;id=8", "user[admin]=1", "user.admin=1", "{admin:true}", "a=%2541", "id=1&ID=1"])(
    "a form that servers read in different ways: %s",
    (text) => {
      expect(read({ text }, form).doubts).not.toEqual([]);
    },
  );
});

describe("http-body: refused", () => {
  test.each<[string, Body, string | undefined, RegExp]>([
    ["a lone surrogate", { text: "\ud800" }, json, /^invalid_operation/],
    ["an escaped lone surrogate", { text: '"\\ud800"' }, json, /^invalid_operation/],
    ["padding", { binary: "AA==" }, json, /^invalid_operation/],
    ["spare bits", { binary: "AB" }, json, /^invalid_operation/],
    ["another alphabet", { binary: "+/+/" }, json, /^invalid_operation/],
    ["two bodies", { text: "{}", ...{ binary: "AA" } }, json, /^invalid_operation/],
    ["a form with raw characters", { text: "a=ü" }, form, /^invalid_operation/],
    ["JSON that says it is a form", { text: '{"admin":true}' }, form, /^invalid_operation/],
    ["a form with a broken escape", { text: "a=%" }, form, /^invalid_operation/],
    ["text above 4 MiB", { text: "é".repeat(2 * 1024 * 1024 + 1) }, json, /^operation_too_large/],
    ["bytes above 4 MiB", { binary: Buffer.alloc(4 * 1024 * 1024 + 1).toString("base64url") }, json, /^operation_too_large/],
    ["far above 4 MiB", { text: "a".repeat(9 * 1024 * 1024) }, json, /^operation_too_large/],
  ])("%s", (_, body, type, expected) => {
    expect(refusal(body, type)).toMatch(expected);
  });

  test("4 MiB exactly is taken", () => {
    expect(read({ text: "é".repeat(2 * 1024 * 1024) }).doubts.join()).toMatch(/larger than 262144/);
  });
});
