import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import { classifyHttp, http } from "./http.ts";

function request(method: string, path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { kind: "http.request", method, path, headers: [], ...more };
}

function posted(text: string, type: string, path = "/refunds"): HttpRequest {
  return request("POST", path, { headers: [["Content-Type", type]], body: { text } });
}

function refusal(operation: HttpRequest): string {
  try {
    classifyHttp(operation);
  } catch (error) {
    if (error instanceof CountersignError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test("a request's facts", () => {
  const operation = request("POST", "/v1/refunds/?notify=yes&notify=yes", {
    headers: [
      ["Content-Type", "application/json; charset=utf-8"],
      ["Idempotency-Key", "k-1"],
    ],
    body: { text: '{"order":7,"amount":12.5,"to":{"iban":"é"}}' },
  });
  expect(classifyHttp(operation)).toEqual({
    method: "POST",
    path: "/v1/refunds/",
    segments: ["v1", "refunds"],
    query: { notify: ["yes", "yes"] },
    headers: { "content-type": ["application/json; charset=utf-8"], "idempotency-key": ["k-1"] },
    contentType: "application/json",
    body: { order: 7, amount: 12.5, to: { iban: "é" } },
    bodyBytes: 44,
    streamed: false,
    upgrade: "",
    events: false,
    operation: "",
    pathParameters: {},
    graphql: { kind: "", name: "", fields: [], aliased: false, opaque: false },
    readOnly: false,
    opaque: false,
    doubts: [],
  });
});

test("facts are frozen deeply, hold nothing but JSON, and are the same object for the same request", () => {
  const operation = posted('{"a":[{"b":1}]}', "application/json", "/x?y=1");
  const facts = classifyHttp(operation);
  const frozen = (one: unknown): boolean =>
    typeof one !== "object" || one === null || (Object.isFrozen(one) && Object.values(one).every(frozen));
  expect(frozen(facts)).toBe(true);
  expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  expect(classifyHttp({ ...operation })).toBe(facts);
  expect(classifyHttp({ ...operation, method: "PUT" }).method).toBe("PUT");
  expect(classifyHttp({ ...operation, body: { text: '{"a":[{"b":2}]}' } }).body).toEqual({ a: [{ b: 2 }] });
});

test("a body that is streamed is nothing that a rule may overlook: neither its length nor that it was not seen", () => {
  const facts = classifyHttp(request("PUT", "/upload", { streamed: true }));
  expect(facts).toMatchObject({ streamed: true, body: null, bodyBytes: 4 * 1024 * 1024 + 1, readOnly: false });
  expect(http.mustName?.(facts)).toEqual(["streamed"]);
  expect(http.mustName?.(classifyHttp(request("PUT", "/upload")))).toEqual([]);
  expect(classifyHttp(request("GET", "/", { streamed: true }))).toMatchObject({ readOnly: false, opaque: true });
  expect(refusal(request("PUT", "/upload", { streamed: true, body: { text: "x" } }))).toMatch(/^invalid_operation: /);
});

describe("readOnly", () => {
  test.each(["GET", "HEAD", "OPTIONS"])("%s promises to change nothing", (method) => {
    expect(classifyHttp(request(method, "/a"))).toMatchObject({ readOnly: true, opaque: false });
    expect(http.readOnly(classifyHttp(request(method, "/a")))).toBe(true);
  });

  test.each([
    request("POST", "/a"),
    request("PUT", "/a"),
    request("PATCH", "/a"),
    request("DELETE", "/a"),
    request("QUERY", "/a"),
    request("GET", "/a;b"),
    request("GET", "/a?b[]=1"),
    { ...posted("{}", "application/json"), method: "GET" },
    { ...posted("{}", "application/json"), method: "OPTIONS" },
  ])("$method $path does not", (operation) => {
    expect(classifyHttp(operation).readOnly).toBe(false);
  });
});

describe("http-smuggle", () => {
  test.each([
    "get",
    "Get",
    "",
    " GET",
    "GET ",
    "GET /admin",
    "G\u0000T",
    "GET\r\nX: y",
    "ＧＥＴ",
    "GE\u200bT",
    "GET_",
    "G.T",
    "1",
    "A".repeat(33),
  ])("a method that is not one is refused: %j", (method) => {
    expect(refusal(request(method, "/a"))).toMatch(/^invalid_operation: The method /);
  });

  test.each(["TRACE", "TRACK", "CONNECT", "PRI"])("%s is refused", (method) => {
    expect(refusal(request(method, "/a"))).toMatch(/^invalid_operation: The method /);
  });

  test.each(["QUERY", "PROPFIND", "MOVE", "M-SEARCH", "PURGE", "GETT"])("a method that is not known is opaque: %s", (method) => {
    expect(classifyHttp(request(method, "/a"))).toMatchObject({ opaque: true, doubts: [`the method ${method} is not known`] });
  });

  test.each([
    "_method=DELETE",
    "a=1&_method=DELETE",
    "%5Fmethod=DELETE",
    "_METHOD=DELETE",
    "+_method=DELETE",
    "_method[]=DELETE",
    ".method=DELETE",
    "_method[x=DELETE",
    "X-HTTP-Method-Override=DELETE",
    "x_http_method=DELETE",
    "_method",
  ])("a parameter that replaces the method is refused, in the query and in a form: %s", (parameters) => {
    const message = /^invalid_operation: A parameter replaces the method/;
    expect(refusal(request("POST", `/a?${parameters}`))).toMatch(message);
    expect(refusal(posted(parameters, "application/x-www-form-urlencoded"))).toMatch(message);
  });

  test("a member that replaces the method is refused in a JSON object, and is a member like others deeper in it", () => {
    expect(refusal(posted('{"a":1,"_method":"DELETE"}', "application/json"))).toMatch(/^invalid_operation: A parameter replaces/);
    expect(refusal(posted('{"\\u005fmethod":"DELETE"}', "application/json"))).toMatch(/^invalid_operation: A parameter replaces/);
    expect(refusal(posted('{"a":{"_method":"DELETE"}}', "application/json"))).toBe("accepted");
  });

  test.each([
    [["Upgrade", "websocket"]],
    [["Upgrade", "h2c"]],
    [
      ["Connection", "Upgrade"],
      ["Upgrade", "x"],
    ],
  ] as const)("another protocol is refused: %j", (...headers) => {
    expect(refusal(request("GET", "/a", { headers }))).toMatch(
      /^invalid_operation: (?:Upgrade is taken for WebSockets only|WebSockets are for clients of the listener)/,
    );
  });

  test("parameters that servers choose among make the request opaque", () => {
    expect(classifyHttp(request("GET", "/a?id=7&id=8")).doubts).toEqual(['the query gives "id" twice with different values']);
    expect(classifyHttp(request("GET", "/a?id=7&id=7")).opaque).toBe(false);
  });
});

describe("http-body", () => {
  test("the body of every method is seen; one where proxies and servers disagree is opaque", () => {
    for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS"])
      expect(classifyHttp({ ...posted('{"a":1}', "application/json"), method })).toMatchObject({ body: { a: 1 }, opaque: false });
    for (const method of ["GET", "HEAD"])
      expect(classifyHttp({ ...posted('{"a":1}', "application/json"), method })).toMatchObject({ body: { a: 1 }, opaque: true });
  });

  test("a body that is not looked into is opaque and null", () => {
    const facts = classifyHttp(posted("<a/>", "application/xml"));
    expect(facts).toMatchObject({ body: null, bodyBytes: 4, contentType: "application/xml", opaque: true });
    expect(facts.doubts).toEqual(["the body is not looked into: it is neither JSON nor a form"]);
  });

  test("a length that is not the body's is refused", () => {
    const headers = [
      ["Content-Type", "application/json"],
      ["Content-Length", "4"],
    ] as const;
    expect(refusal(request("POST", "/a", { headers, body: { text: "{}" } }))).toMatch(/^invalid_operation: Content-Length/);
    expect(refusal(request("POST", "/a", { headers, body: { text: '"é"' } }))).toBe("accepted");
  });

  test("a large body is classified each time, a small one is remembered", () => {
    const large = posted(`"${"a".repeat(20_000)}"`, "application/json");
    expect(classifyHttp(large)).toEqual(classifyHttp(large));
    expect(classifyHttp(large)).not.toBe(classifyHttp(large));
  });
});

describe("http-creds", () => {
  test("no credential is in the facts, and that there is one makes the request opaque", () => {
    const headers = [
      ["Authorization", "Bearer hunter2"],
      ["Cookie", "s=hunter2"],
      ["X-Own", "Basic hunter2"],
    ] as const;
    const facts = classifyHttp(request("GET", "/a?access_token=hunter2&Api_Key=hunter2&q=x", { headers }));
    expect(JSON.stringify(facts)).not.toContain("hunter2");
    expect(facts).toMatchObject({ query: { access_token: [], Api_Key: [], q: ["x"] }, opaque: true, readOnly: false });
    expect(facts.headers).toEqual({ authorization: [], cookie: [], "x-own": [] });
    expect(facts.doubts).toContain("the query brings a credential of the caller's own");
  });

  test("a summary and a refusal show no value", () => {
    const operation = request("GET", "/a?access_token=hunter2", { headers: [["X-A", "hunter2"]] });
    expect(http.summary(classifyHttp(operation))).toBe("GET /a");
    for (const bad of ["/a?access_token=hunter2%", "/a?access_token=hunter2#", "/a?_method=hunter2"])
      expect(refusal(request("GET", bad))).not.toContain("hunter2");
    expect(refusal(posted('{"password":"hunter2","x":"\\ud800"}', "application/json"))).not.toContain("hunter2");
    expect(refusal(posted("password=hunter2%", "application/x-www-form-urlencoded"))).not.toContain("hunter2");
  });

  test("a summary is printable and short", () => {
    expect(http.summary(classifyHttp(request("GET", "/%E2%80%AE/%C3%A4%20x")))).toBe("GET /%E2%80%AE/%C3%A4%20x");
    expect(http.summary(classifyHttp(request("DELETE", `/${"a".repeat(5000)}`))).length).toBeLessThan(300);
  });
});
