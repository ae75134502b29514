import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readHttpApi } from "./read-api.ts";

const folder = mkdtempSync(join(tmpdir(), "cs-openapi-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What documents (texts) say of an API. */
function api(...texts: readonly string[]) {
  const openapi = texts.map((text, index) => {
    writeFileSync(join(folder, `${index}.yaml`), text);
    return `${index}.yaml`;
  });
  return readHttpApi({ name: "billing", origin: "https://api.example.com", graphql: undefined, openapi }, folder);
}

const yaml = (paths: string, more = "") => `openapi: 3.1.0\ninfo: { title: t, version: "1" }\n${more}\npaths:\n${paths}\n`;
const pathsOf = (text: string) => api(text).operations?.map(({ method, path }) => `${method} ${path}`);

test("operations by their id, or by method and path, of YAML and JSON", () => {
  const text = yaml(
    "  /orders/{id}: { get: { operationId: getOrder, responses: { 200: { description: ok } } }, delete: {}, parameters: [] }",
  );
  const operations = [
    { id: "getOrder", method: "GET", path: "/orders/{id}" },
    { id: "DELETE /orders/{id}", method: "DELETE", path: "/orders/{id}" },
  ];
  expect(api(text)).toEqual({ operations });
  const json = JSON.stringify({ openapi: "3.0.3", paths: { "/orders/{id}": { get: { operationId: "getOrder" }, delete: {} } } });
  expect(api(json)).toEqual({ operations });
});

test("without documents nothing is said of operations; an empty one says that there are none", () => {
  expect(api()).toEqual({});
  expect(api(yaml("  {}").replace("paths:\n  {}", ""))).toEqual({ operations: [] });
  expect(readHttpApi({ name: "b", origin: "https://a", graphql: "/graphql", openapi: [] }, folder)).toEqual({
    graphql: "/graphql",
  });
});

describe("where they are", () => {
  const one = "  /x: { get: {} }";
  test.each<[string, readonly string[]]>([
    ["", ["GET /x"]],
    ["servers: [{ url: /v1/ }]", ["GET /v1/x"]],
    ["servers: [{ url: https://api.example.com/v1 }, { url: https://sandbox.example.com/s }]", ["GET /v1/x"]],
    ["servers: [{ url: https://other.example.com/v1 }, { url: https://sandbox.example.com/s }]", ["GET /v1/x", "GET /s/x"]],
    [
      "servers: [{ url: 'https://api.example.com/{v}', variables: { v: { default: v1, enum: [v1, v2] } } }]",
      ["GET /v1/x", "GET /v2/x"],
    ],
    [
      "servers: [{ url: 'https://{host}/{v}', variables: { host: { default: api.example.com }, v: { default: '3' } } }]",
      ["GET /3/x"],
    ],
    ["servers: [{ url: 'https://api.example.com:443/v1' }, { url: 'https://api.example.com/v1' }]", ["GET /v1/x"]],
    ["servers: []", ["GET /x"]],
  ])("%s", (servers, paths) => {
    expect(pathsOf(yaml(one, servers))).toEqual(paths);
  });

  test("a path's servers go before the document's, an operation's before the path's; those elsewhere are left out", () => {
    const servers = "servers: [{ url: https://api.example.com }]";
    const paths = `  /a: { servers: [{ url: /p }], get: {}, post: { servers: [{ url: /o }] } }
  /upload: { post: { servers: [{ url: https://uploads.example.com }] } }`;
    expect(pathsOf(yaml(paths, servers))).toEqual(["GET /p/a", "POST /o/a"]);
  });
});

describe("what is wrong is told with its place", () => {
  test.each<[string, string, RegExp]>([
    ["no YAML", "openapi: [", /^0\.yaml:\d+:\d+: not valid YAML/],
    ["broken JSON", '{"openapi": "3.1.0",\n "paths": {,}}', /^0\.yaml:2:\d+: /],
    ["another version", "swagger: '2.0'\n", /^0\.yaml:1:1: .*openapi/],
    ["version 4", "openapi: 4.0.0\n", /^0\.yaml:1:10: .*3\.0 or 3\.1/],
    ["no list of paths", "openapi: 3.1.0\npaths: [1]\n", /^0\.yaml:2:8: /],
    ["a path without a slash", yaml("  orders: { get: {} }"), /^0\.yaml:5:\d+: .*begins with \//],
    ["a path with a query", yaml("  /a?b=1: { get: {} }"), /^0\.yaml:5/],
    ["an open brace", yaml("  '/a/{b': { get: {} }"), /^0\.yaml:5/],
    ["parameters side by side", yaml("  '/{a}{b}': { get: {} }"), /side by side/],
    ["a parameter twice", yaml("  '/{a}/{a}': { get: {} }"), /named twice/],
    [
      "the same path twice",
      yaml("  '/{a}': { get: {} }\n  '/{b}': { post: {} }"),
      /^0\.yaml:6:.*fits the same requests as \/\{a\}/,
    ],
    [
      "one id twice",
      yaml("  /a: { get: { operationId: x } }\n  /b: { get: { operationId: x } }"),
      /^0\.yaml:6:29: .*taken by GET \/a/,
    ],
    ["a path elsewhere", yaml("  /a: { $ref: other.yaml }"), /^0\.yaml:5:15: .*not followed/],
  ])("%s", (_, text, message) => {
    expect(() => api(text)).toThrow(message);
  });

  test("two documents that call two operations by one name, or have one request twice", () => {
    const first = yaml("  /a/{x}: { get: { operationId: one } }");
    expect(() => api(first, yaml("  /b: { get: { operationId: one } }"))).toThrow("GET /a/{x} in 0.yaml and GET /b in 1.yaml");
    expect(() => api(first, yaml("  /a/{y}: { get: { operationId: two } }"))).toThrow("are the same request");
  });

  test("a document that is not there, or has too many operations", () => {
    expect(() => readHttpApi({ name: "b", origin: "https://a", graphql: undefined, openapi: ["no.yaml"] }, folder)).toThrow(
      /ENOENT/,
    );
    const paths = Object.fromEntries(Array.from({ length: 5001 }, (_, at) => [`/${at}`, { get: {} }]));
    expect(() => api(JSON.stringify({ openapi: "3.1.0", paths }))).toThrow("at most 5000");
  });
});
