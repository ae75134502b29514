import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../../action.ts";
import { classifyHttp } from "../http.ts";
import type { HttpApi, HttpOperation } from "./api.ts";

const operation = (id: string, method: string, path: string): HttpOperation => ({ id, method, path });

const api: HttpApi = {
  operations: [
    operation("listOrders", "GET", "/v1/orders"),
    operation("getOrder", "GET", "/v1/orders/{id}"),
    operation("deleteOrder", "DELETE", "/v1/orders/{id}"),
    operation("newOrder", "GET", "/v1/orders/new"),
    operation("refundPayment", "POST", "/v1/payments/{payment}/refunds"),
    operation("latest", "GET", "/v1/payments/latest/refunds"),
    operation("slash", "GET", "/v1/reports/"),
    operation("either", "GET", "/{entity}/me"),
    operation("book", "GET", "/books/{id}"),
    operation("cancel", "POST", "/v1/jobs/{id}:cancel"),
    operation("file", "GET", "/v1/files/{name}.{type}"),
    operation("encoded", "GET", "/v1/a%20b/{x}"),
    operation("GET /", "GET", "/"),
  ],
};

function factsOf(path: string, method = "GET", of = api) {
  return classifyHttp({ kind: "http.request", method, path, headers: [] } satisfies HttpRequest, of);
}

describe("what a request is called", () => {
  test.each<[string, string, string, object]>([
    ["GET", "/v1/orders", "listOrders", {}],
    ["GET", "/v1/orders/7?full=1", "getOrder", { id: "7" }],
    ["DELETE", "/v1/orders/a%C3%A9%20b", "deleteOrder", { id: "aé b" }],
    ["GET", "/v1/orders/new", "newOrder", {}],
    ["POST", "/v1/payments/p1/refunds", "refundPayment", { payment: "p1" }],
    ["GET", "/v1/payments/latest/refunds", "latest", {}],
    ["GET", "/v1/reports/", "slash", {}],
    ["GET", "/users/me", "either", { entity: "users" }],
    ["GET", "/books/1", "book", { id: "1" }],
    ["POST", "/v1/jobs/a:b:cancel", "cancel", { id: "a:b" }],
    ["GET", "/v1/files/a.b.txt", "file", { name: "a", type: "b.txt" }],
    ["GET", "/v1/a%20b/x", "encoded", { x: "x" }],
    ["GET", "/", "GET /", {}],
  ])("%s %s is %s", (method, path, name, parameters) => {
    expect(factsOf(path, method)).toMatchObject({ operation: name, pathParameters: parameters, opaque: false });
  });
});

describe("what is not sure has no name, and is opaque", () => {
  test.each([
    ["another method", "PUT", "/v1/orders/7"],
    ["a method that only the less concrete path has", "DELETE", "/v1/orders/new"],
    ["a slash at the end", "DELETE", "/v1/orders/7/"],
    ["one that is missing", "GET", "/v1/reports"],
    ["another case", "DELETE", "/v1/Orders/7"],
    ["another base path", "DELETE", "/orders/7"],
    ["more of a path", "GET", "/v1/orders/7/items"],
    ["two paths that fit, neither before the other", "GET", "/books/me"],
    ["nothing where a parameter is", "POST", "/v1/jobs/:cancel"],
    ["no separator", "GET", "/v1/files/atxt"],
    ["no path of the documents", "GET", "/admin"],
  ])("%s: %s %s", (_, method, path) => {
    const facts = factsOf(path, method);
    expect(facts).toMatchObject({ operation: "", pathParameters: {}, opaque: true, readOnly: false });
    expect(facts.doubts.join()).toContain("OpenAPI");
  });

  test.each(["/v1/orders/7;x=1", "/v1/%6frders/7", "/v1/orders/7.", "/v1/orders/7%3Fx"])(
    "%s is opaque, whatever fits",
    (path) => {
      expect(factsOf(path).opaque).toBe(true);
    },
  );

  test.each(["/v1/orders%2f7", "/v1//orders/7", "/v1/orders/..", "/v1/x/../orders/7"])("%s is refused before", (path) => {
    expect(() => factsOf(path)).toThrow();
  });

  test("two documents that give one method and path two names", () => {
    const twice = { operations: [operation("a", "GET", "/x/{a}"), operation("b", "GET", "/x/{b}")] };
    expect(factsOf("/x/1", "GET", twice)).toMatchObject({ operation: "", opaque: true });
  });
});

test("an API without documents has no names, and no doubts of them; one whose documents are empty has", () => {
  expect(factsOf("/v1/orders", "GET", {})).toMatchObject({ operation: "", opaque: false });
  expect(factsOf("/v1/orders", "GET", { operations: [] })).toMatchObject({ operation: "", opaque: true });
});

test("the same request means what its own API says", () => {
  const other = { operations: [operation("other", "GET", "/v1/orders")] };
  expect([factsOf("/v1/orders").operation, factsOf("/v1/orders", "GET", other).operation]).toEqual(["listOrders", "other"]);
});

test("whatever the templates: a name is given only where no other template fits as well", () => {
  const segment = fc.constantFrom("a", "b", "{x}", "{x}.a", "a{x}");
  const template = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
  const path = fc
    .array(fc.constantFrom("a", "b", "c", "b.a", "ab"), { minLength: 1, maxLength: 3 })
    .map((parts) => `/${parts.join("/")}`);
  const fits = (one: string, asked: string): boolean =>
    new RegExp(`^${one.replaceAll(".", "\\.").replaceAll("{x}", "[^/]+")}$`).test(asked);
  fc.assert(
    fc.property(fc.uniqueArray(template, { maxLength: 5 }), path, (templates, asked) => {
      const facts = factsOf(asked, "GET", { operations: templates.map((one) => operation(one, "GET", one)) });
      const fitting = templates.filter((one) => fits(one, asked));
      if (fitting.length === 0) expect(facts.operation).toBe("");
      else if (fitting.length === 1) expect(facts.operation).toBe(fitting[0]);
      else if (facts.operation !== "") {
        const parts = facts.operation.split("/");
        for (const other of fitting)
          expect(other.split("/").every((part, index) => part.includes("{") || part === parts[index])).toBe(true);
      }
    }),
  );
});
