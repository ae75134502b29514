import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { readHeaders } from "./headers.ts";

type Sent = readonly (readonly [string, string])[];

function refusal(sent: Sent, bodyBytes = 0): string {
  try {
    readHeaders(sent, bodyBytes);
  } catch (error) {
    if (error instanceof CountersignError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test("headers are read by lower-case name, in order, without the space around values", () => {
  const sent: Sent = [
    ["Accept", "text/html"],
    ["X-Tenant", " a\t"],
    ["accept", "application/json"],
    ["If-Match", '"x"'],
    ["Content-Length", "5"],
  ];
  expect(readHeaders(sent, 5)).toEqual({
    values: { accept: ["text/html", "application/json"], "x-tenant": ["a"], "if-match": ['"x"'], "content-length": ["5"] },
    doubts: [],
  });
});

describe("http-smuggle: refused", () => {
  test.each<[string, Sent]>([
    [
      "Content-Length with Transfer-Encoding",
      [
        ["Content-Length", "0"],
        ["Transfer-Encoding", "chunked"],
      ],
    ],
    [
      "two lengths",
      [
        ["Content-Length", "0"],
        ["content-length", "0"],
      ],
    ],
    ["another length", [["Content-Length", "1"]]],
    ["a list of lengths", [["Content-Length", "0, 0"]]],
    ["a signed length", [["Content-Length", "+0"]]],
    ["a negative length", [["Content-Length", "-0"]]],
    ["a length with zeros", [["Content-Length", "00"]]],
    ["a hexadecimal length", [["Content-Length", "0x0"]]],
    ["an empty length", [["Content-Length", ""]]],
    ["another coding", [["Transfer-Encoding", "gzip, chunked"]]],
    ["identity", [["Transfer-Encoding", "identity"]]],
    ["a disguised coding", [["Transfer-Encoding", "xchunked"]]],
    ["a coding in capitals", [["Transfer-Encoding", "Chunked"]]],
    [
      "two codings",
      [
        ["Transfer-Encoding", "chunked"],
        ["transfer-encoding", "chunked"],
      ],
    ],
    ["obsolete folding", [["X-A", "b\r\n c"]]],
    ["a line break", [["X-A", "b\nX-B: c"]]],
    ["a carriage return", [["X-A", "b\rX-B: c"]]],
    ["NUL", [["X-A", "b\0c"]]],
    ["a control character", [["X-A", "b\u0001"]]],
    ["not ASCII", [["X-A", "é"]]],
    ["not ASCII that becomes a line break as one byte", [["X-A", "a\u010a\u010dX-B: c"]]],
    ["a space in the name", [["Content-Length ", "0"]]],
    ["a space before the name", [[" X-A", "0"]]],
    ["a colon in the name", [["X-A:", "0"]]],
    ["a line break in the name", [["X-A\r\nX-B", "0"]]],
    ["an empty name", [["", "0"]]],
    ["a pseudo-header", [[":path", "/admin"]]],
    ["an underscore", [["Content_Length", "0"]]],
    ["a dot", [["Content.Length", "0"]]],
    ["a look-alike name", [["\u212aey", "0"]]],
    [
      "two hosts",
      [
        ["Host", "a"],
        ["host", "a"],
      ],
    ],
    [
      "two types",
      [
        ["Content-Type", "application/json"],
        ["Content-Type", "text/plain"],
      ],
    ],
    [
      "two credentials",
      [
        ["Authorization", "Bearer a"],
        ["authorization", "Bearer b"],
      ],
    ],
    [
      "two encodings",
      [
        ["Content-Encoding", "gzip"],
        ["Content-Encoding", "br"],
      ],
    ],
    ["a method override", [["X-HTTP-Method-Override", "DELETE"]]],
    ["a method override by another name", [["x-http-method", "DELETE"]]],
    ["a method override by a third name", [["X-Method-Override", "DELETE"]]],
    ["a path override", [["X-Original-URL", "/admin"]]],
    ["a path override by another name", [["x-rewrite-url", "/admin"]]],
    ["a proxy for CGI programs", [["Proxy", "http://evil"]]],
    [
      "a header taken away",
      [
        ["X-Tenant", "a"],
        ["Connection", "close, X-Tenant"],
      ],
    ],
    ["a credential taken away", [["Connection", "Authorization"]]],
    ["an empty option", [["Connection", ""]]],
    ["trailers", [["Trailer", "X-A"]]],
    ["transfer codings to accept", [["TE", "trailers, chunked"]]],
    ["another protocol", [["HTTP2-Settings", "AAMAAABkAAQAAP__"]]],
    ["an expectation", [["Expect", "200-ok"]]],
  ])("%s", (_, sent) => {
    expect(refusal(sent)).toMatch(/^invalid_operation: [A-Z].*\.$/);
  });

  test("too many or too large", () => {
    expect(refusal(Array.from({ length: 201 }, (_, index) => [`X-${index}`, "a"]))).toMatch(/^operation_too_large: /);
    expect(refusal([["X-A", "a".repeat(33_000)]])).toMatch(/^operation_too_large: /);
  });

  test.each<[string, Sent]>([
    ["a length that is right", [["Content-Length", "0"]]],
    ["chunked", [["Transfer-Encoding", "chunked"]]],
    ["connection options", [["Connection", "keep-alive, close"]]],
    ["an expectation that every server knows", [["Expect", "100-continue"]]],
    ["a host", [["Host", "api.example"]]],
  ])("not refused: %s", (_, sent) => {
    expect(refusal(sent)).toBe("accepted");
  });
});

describe("http-smuggle: opaque", () => {
  test.each<[string, Sent, RegExp]>([
    ["speaking for a client", [["X-Forwarded-For", "127.0.0.1"]], /x-forwarded-for speaks for another/],
    ["speaking for a host", [["X-Forwarded-Host", "admin"]], /speaks for another/],
    ["the standard form", [["Forwarded", "for=127.0.0.1"]], /speaks for another/],
    ["a client's address", [["X-Real-IP", "10.0.0.1"]], /speaks for another/],
    [
      "one's own header with two values",
      [
        ["X-Tenant", "a"],
        ["x-tenant", "b"],
      ],
      /x-tenant is given twice/,
    ],
  ])("%s", (_, sent, why) => {
    expect(readHeaders(sent, 0).doubts.join()).toMatch(why);
  });
});

describe("http-creds", () => {
  test.each<[string, string]>([
    ["Authorization", "Bearer hunter2"],
    ["Proxy-Authorization", "Basic hunter2"],
    ["Cookie", "session=hunter2"],
    ["X-Api-Key", "hunter2"],
    ["apikey", "hunter2"],
    ["X-Auth-Token", "hunter2"],
    ["PRIVATE-TOKEN", "hunter2"],
    ["X-Vault-Token", "hunter2"],
    ["X-Amz-Security-Token", "hunter2"],
    ["X-Client-Secret", "hunter2"],
    ["Ocp-Apim-Subscription-Key", "hunter2"],
    ["X-Own", "Bearer hunter2"],
    ["Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.hunter2, v5.channel.k8s.io"],
  ])("the value of %s is not in the facts, and that it is there is", (name, value) => {
    const headers = readHeaders([[name, value]], 0);
    expect(JSON.stringify(headers)).not.toContain("hunter2");
    expect(headers.values).toEqual({ [name.toLowerCase()]: [] });
    expect(headers.doubts).toEqual([`the header ${name.toLowerCase()} brings a credential of the caller's own`]);
  });

  test.each([
    ["Authorization", "Bearer hunter2\r\n x"],
    ["Cookie", "hunter2\0"],
    ["X_Token", "hunter2"],
    ["Content-Length", "hunter2"],
  ])("a refusal of %s shows no value", (name, value) => {
    expect(refusal([[name, value]])).toMatch(/^invalid_operation/);
    expect(refusal([[name, value]])).not.toContain("hunter2");
  });
});
