import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../../action.ts";
import { classifyHttp } from "../http.ts";
import type { HttpFacts } from "./definition.ts";

const json = ["Content-Type", "application/json"] as const;

const api = { graphql: "/graphql" };

function factsOf(request: Partial<HttpRequest>): HttpFacts {
  const operation: HttpRequest = { kind: "http.request", method: "POST", path: "/graphql", headers: [json], ...request };
  return classifyHttp(operation, api);
}

const posted = (ask: unknown): HttpFacts => factsOf({ body: { text: JSON.stringify(ask) } });
const asked = (query: string, more: object = {}) => posted({ query, ...more }).graphql;

describe("what a document asks for", () => {
  test.each<[string, object]>([
    ["{ me { id } }", { kind: "query", name: "", fields: ["me"] }],
    ["query Who($a: Int = 1) @x { me { id } you(at: $a) }", { kind: "query", name: "Who", fields: ["me", "you"] }],
    ["mutation { deleteRepository(id: 1) { ok } }", { kind: "mutation", fields: ["deleteRepository"] }],
    ["subscription S { changed }", { kind: "subscription", name: "S", fields: ["changed"] }],
    ["{ safe: deleteRepository }", { fields: ["deleteRepository"], aliased: true }],
    ["{ same: same { id: id } }", { fields: ["same"], aliased: false }],
    ["{ me { mail: email } }", { fields: ["me"], aliased: true }],
    ["{ me { ...f } } fragment f on User { mail: email }", { aliased: true }],
    ["mutation { ...a } fragment a on M { ...b x } fragment b on M { ...a y ... on M { z } }", { fields: ["x", "y", "z"] }],
    ["{ ... { a ... @include(if: false) { b } } c @skip(if: true) }", { fields: ["a", "b", "c"] }],
    ['{ a(text: "mutation { b }", block: """ } mutation { c } """) # mutation { d }\n }', { kind: "query", fields: ["a"] }],
    ["\ufeffquery , , { a,b }", { fields: ["a", "b"] }],
  ])("%s", (query, fact) => {
    expect(asked(query)).toMatchObject({ ...fact, opaque: false });
  });

  test("of several operations all count, whichever one is named: some servers choose by other words", () => {
    const query = "query A { a } mutation B { b }";
    expect(asked(query, { operationName: "A" })).toMatchObject({
      kind: "mutation",
      name: "A",
      fields: ["a", "b"],
      opaque: false,
    });
    for (const operationName of [undefined, null, "", "C", 1])
      expect(asked(query, { operationName })).toMatchObject({ opaque: true });
  });

  test("a batch asks for all of it", () => {
    const facts = posted([{ query: "{ a }" }, { query: "mutation M { b }" }]);
    expect(facts.graphql).toMatchObject({ kind: "mutation", name: "", fields: ["a", "b"], opaque: false });
    expect(facts.opaque).toBe(false);
  });

  test("by GET too, where a mutation does not pass as reading", () => {
    const get = (query: string) => factsOf({ method: "GET", headers: [], path: `/graphql?query=${encodeURIComponent(query)}` });
    expect(get("{ me }")).toMatchObject({ readOnly: true, graphql: { kind: "query", fields: ["me"] } });
    expect(get("mutation { drop }")).toMatchObject({ readOnly: false, graphql: { kind: "mutation", fields: ["drop"] } });
  });
});

describe("what may mean another document to some server is opaque", () => {
  const query = "{ a }";
  test.each<[string, Partial<HttpRequest> | unknown]>([
    ["a persisted query", { extensions: { persistedQuery: { version: 1, sha256Hash: "00" } } }],
    ["one that is stored by its text", { query, extensions: { persistedQuery: { version: 1, sha256Hash: "00" } } }],
    ["a document's id", { id: "7", variables: {} }],
    ["a document's id beside a text", { query, documentId: "7" }],
    ["the same name in another case", { query, Query: "mutation { b }" }],
    ["a member given by its prototype", JSON.parse('{"query":"{ a }","__proto__":{"query":"x"}}')],
    ["no text", { query: "" }],
    ["a text that is none", { query: ["mutation { b }"] }],
    ["another language", { query: "{ a " }],
    ["type definitions", { query: "{ a } extend type Query { b: Int }" }],
    ["a fragment that is not there", { query: "{ ...f }" }],
    ["a fragment given twice", { query: "{ ...f } fragment f on Q { a } fragment f on Q { b }" }],
    ["an operation given twice", { query: "query A { a } query A { b }", operationName: "A" }],
    ["depth", { query: `${"{ a ".repeat(70)}${"}".repeat(70)}` }],
    ["depth of values", { query: `{ a(x: ${"[".repeat(5000)}${"]".repeat(5000)}) }` }],
    ["length", { query: `{ ${"a ".repeat(10_001)} }` }],
    ["width", { query: `{ ${Array.from({ length: 501 }, (_, at) => `a${at}`).join(" ")} }` }],
    ["an empty batch", []],
    ["a batch of texts", [query]],
    ["null", null],
  ])("%s", (_, ask) => {
    const facts = posted(ask);
    expect(facts).toMatchObject({ opaque: true, graphql: { kind: "", fields: [], opaque: true } });
    expect(facts.doubts.join()).toMatch(/GraphQL|fold|JavaScript|same/i);
  });

  test.each<[string, Partial<HttpRequest>]>([
    ["parameters beside a body", { path: "/graphql?query=mutation%7Bb%7D" }],
    ["parameters of any name beside a body", { path: "/graphql?op=x" }],
    ["application/graphql", { headers: [["content-type", "application/graphql"]] }],
    ["a form", { headers: [["content-type", "application/x-www-form-urlencoded"]], body: { text: "query=%7Ba%7D" } }],
    ["GET with another parameter", { method: "GET", headers: [], path: "/graphql?query=%7Ba%7D&hash=1" }],
    ["GET with two documents", { method: "GET", headers: [], path: "/graphql?query=%7Ba%7D&query=%7Bb%7D" }],
    ["GET without one", { method: "GET", headers: [] }],
    ["PUT", { method: "PUT" }],
    ["a slash at the end", { path: "/graphql/" }],
    ["another case", { path: "/GraphQL" }],
    ["below it", { path: "/graphql/v2" }],
    ["a path parameter", { path: "/graphql;x=1" }],
  ])("%s", (_, { body = { text: JSON.stringify({ query }) }, ...request }) => {
    const given = request.method === "GET" ? request : { ...request, body };
    expect(factsOf(given)).toMatchObject({ opaque: true, readOnly: false });
  });
});

test("a member given twice: some servers take the first, others the last", () => {
  const body = { text: '{"query":"mutation { b }","query":"{ a }"}' };
  expect(factsOf({ body })).toMatchObject({ opaque: true, graphql: { kind: "", opaque: true } });
});

test("elsewhere, and at an API without an endpoint, nothing is read as GraphQL", () => {
  const body = { text: JSON.stringify({ query: "mutation { b }" }) };
  const nothing = { kind: "", name: "", fields: [], aliased: false, opaque: false };
  expect(factsOf({ path: "/graphqlish", body })).toMatchObject({ opaque: false, graphql: nothing });
  const operation: HttpRequest = { kind: "http.request", method: "POST", path: "/graphql", headers: [json], body };
  expect(classifyHttp(operation)).toMatchObject({ opaque: false, graphql: nothing });
});

test("whatever the text: facts or doubts, promptly, and never an exception", () => {
  const words = fc.constantFrom(
    "{",
    "}",
    "(",
    ")",
    "query",
    "mutation",
    "...",
    "on",
    "a",
    "b:",
    "@x",
    '"',
    '"""',
    "#",
    "\n",
    "$v",
    "[",
    "]",
    "!",
    "fragment f on Q",
    "\\u{1F600}",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 40 }).map((list) => list.join(" ")),
      ),
      (query) => {
        fc.pre(query.isWellFormed());
        const { graphql } = posted({ query });
        expect(graphql.opaque || graphql.kind !== "").toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
