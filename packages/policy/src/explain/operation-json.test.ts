import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProtocolName } from "../facts/protocols.ts";
import { operations } from "../operation/testing-operations.ts";
import { CountersignError } from "../outcome.ts";
import { readOperation } from "./operation-json.ts";

/** What is wrong, as it is told. */
function refusal(type: ProtocolName, value: unknown): string {
  try {
    readOperation(type, value);
  } catch (error) {
    if (error instanceof CountersignError && error.code === "invalid_request") return error.message;
    throw error;
  }
  return "(accepted)";
}

describe("postgres", () => {
  const statement = "select $1";
  test.each([
    ["a text", statement],
    ["statement", { statement }],
    ["sql", { sql: statement }],
    ["text", { text: statement }],
    ["query", { query: statement }],
    ["as in actions", { kind: "postgres.query", statement, parameters: [] }],
  ])("%s", (_, value) => {
    expect(readOperation("postgres", value)).toEqual({ kind: "postgres.query", statement, parameters: [] });
  });

  test("all terms of an action are kept", () => {
    const action = {
      ...{
        kind: "postgres.query",
        statement,
        parameters: [{ text: "1" }],
        types: [23],
        input: { text: "a\n" },
        runs: ["select 2"],
      },
      connection: { id: "c", inTransaction: true, settings: { DateStyle: "SQL, DMY" } },
    };
    expect(readOperation("postgres", action)).toEqual(action);
    expect(readOperation("postgres", { statement, connection: { id: "c" } })).toMatchObject({ connection: { id: "c" } });
    expect(refusal("postgres", { statement, connection: { id: "c", transaction: true } })).toContain("transaction");
  });

  test("plain and tagged parameters", () => {
    const parameters = [null, "a", 7, true, { text: "b" }, { binary: "AA" }, { text: "c", more: 1 }, [1, 2]];
    expect(readOperation("postgres", { statement, parameters })).toMatchObject({
      parameters: [
        null,
        { text: "a" },
        { text: "7" },
        { text: "true" },
        { text: "b" },
        { binary: "AA" },
        { text: '{"text":"c","more":1}' },
        { text: "[1,2]" },
      ],
    });
  });

  test.each([
    [{ statment: "select 1" }, 'unknown key "statment"; did you mean "statement"?'],
    [{ statement, sql: statement }, '"statement" and "sql" are the same; write one of them.'],
    [{ parameters: [] }, '"statement" is missing.'],
    [{ statement: 7 }, "statement: found 7, expected a text"],
    [{ kind: "ssh.exec", statement }, "kind: found the text"],
    [7, "found 7, expected a mapping"],
    [null, "found nothing, expected a mapping"],
  ])("%j is refused", (value, message) => {
    expect(refusal("postgres", value)).toContain(message);
  });
});

describe("ssh", () => {
  test.each([
    ["uptime", { kind: "ssh.exec", command: "uptime" }],
    [
      { command: "uptime", tty: true },
      { kind: "ssh.exec", command: "uptime", tty: true },
    ],
    [{ subsystem: "sftp" }, { kind: "ssh.subsystem", subsystem: "sftp" }],
  ])("%j", (value, operation) => {
    expect(readOperation("ssh", value)).toEqual(operation);
  });

  test.each([
    [["ls", "-la", "/tmp"], "ls -la /tmp"],
    [["echo", "$(id)", "a b", "", "it's"], "echo '$(id)' 'a b' '' 'it'\\''s'"],
    // Bare, these would assign, begin a compound command, or expand.
    [["A=b", "x"], "'A=b' x"],
    [["if", "if"], "'if' if"],
    [["cat", "~/x", "*.c", "{a,b}"], "cat '~/x' '*.c' '{a,b}'"],
    [["a\nb"], "'a\nb'"],
  ])("argv %j is quoted so that no shell expands it", (argv, command) => {
    expect(readOperation("ssh", { argv })).toEqual({ kind: "ssh.exec", command });
    expect(readOperation("ssh", { command: argv })).toEqual({ kind: "ssh.exec", command });
  });

  test.each([
    [{ argv: [] }, "the program is missing"],
    [{ argv: ["ls"], command: "ls" }, "are the same"],
    [{ subsystem: "sftp", command: "ls" }, 'unknown key "command"'],
    [{ comand: "ls" }, 'did you mean "command"?'],
  ])("%j is refused", (value, message) => {
    expect(refusal("ssh", value)).toContain(message);
  });
});

describe("http and kubernetes", () => {
  test("a request line is sent as it is written", () => {
    expect(readOperation("http", "GET /a%2fb?x=1 2")).toEqual({
      kind: "http.request",
      method: "GET",
      path: "/a%2fb?x=1 2",
      headers: [],
    });
  });

  test("query, headers and JSON body", () => {
    const value = {
      method: "POST",
      path: "/r?a=1",
      query: { b: [1, "x y"], c: true },
      headers: { "X-A": ["1", "2"] },
      body: { n: 1 },
    };
    expect(readOperation("http", value)).toEqual({
      kind: "http.request",
      method: "POST",
      path: "/r?a=1&b=1&b=x%20y&c=true",
      headers: [
        ["X-A", "1"],
        ["X-A", "2"],
        ["content-type", "application/json"],
      ],
      body: { text: '{"n":1}' },
    });
  });

  test("a text body is sent as it is, and a content type that is given stays", () => {
    expect(readOperation("http", { method: "PUT", path: "/", body: "{}" })).toMatchObject({ body: { text: "{}" }, headers: [] });
    const patch = {
      method: "PATCH",
      path: "/",
      headers: [["Content-Type", "application/merge-patch+json"]],
      body: { text: "x" },
    };
    expect(readOperation("kubernetes", patch)).toMatchObject({
      headers: [["Content-Type", "application/merge-patch+json"]],
      body: { text: '{"text":"x"}' },
    });
  });

  test("with a kind it is read as actions hold it", () => {
    const operation = { kind: "kubernetes.request", method: "POST", path: "/x", headers: [["a", "b"]], body: { binary: "AA" } };
    expect(readOperation("kubernetes", operation)).toEqual(operation);
    expect(refusal("kubernetes", { ...operation, body: { n: 1 } })).toContain("body");
    expect(refusal("http", operation)).toContain("kind");
  });

  test("with a kind everything but the body may be said loosely", () => {
    expect(readOperation("http", { kind: "http.request", method: "GET", path: "/", query: { a: 1 } })).toEqual({
      kind: "http.request",
      method: "GET",
      path: "/?a=1",
      headers: [],
    });
  });

  test("exec stands for kubectl's request, whatever its words hold", () => {
    const exec = { namespace: "a/b", pod: "p?x=1", container: "c", argv: ["sh", "-c", "a&b=c"], stdin: true, tty: true };
    expect(readOperation("kubernetes", { exec })).toMatchObject({
      method: "GET",
      path: "/api/v1/namespaces/a%2Fb/pods/p%3Fx%3D1/exec?container=c&command=sh&command=-c&command=a%26b%3Dc&stdin=true&stdout=true&tty=true",
    });
  });

  test.each([
    ["GET", "METHOD PATH"],
    [{ method: "GET" }, '"path" is missing'],
    [{ metod: "GET", path: "/" }, 'unknown key "metod"; did you mean "method"?'],
    [{ exec: { namespace: "a", pod: "b" } }, "argv"],
    [{ exec: { namespace: "a", pod: "b", argv: ["ls"] }, path: "/" }, '"exec" stands alone'],
  ])("%j is refused", (value, message) => {
    expect(refusal("kubernetes", value)).toContain(message);
  });
});

describe("mcp", () => {
  const call = { kind: "mcp.call", server: "github", tool: "get_issue", arguments: { number: 7 } };
  test.each([['github/get_issue {"number": 7}'], [{ server: "github", tool: "get_issue", args: { number: 7 } }], [call]])(
    "%j",
    (value) => {
      expect(readOperation("mcp", value)).toEqual(call);
    },
  );

  test("an argument of any name is kept", () => {
    const read = readOperation("mcp", 'github/get_issue {"__proto__": {"a": 1}}');
    expect(JSON.stringify(read)).toContain('"arguments":{"__proto__":{"a":1}}');
  });

  test("without arguments, with a schema", () => {
    expect(readOperation("mcp", "github/list")).toMatchObject({ arguments: {} });
    expect(readOperation("mcp", { server: "a", tool: "b", schema: { type: "object" } })).toMatchObject({
      schema: { type: "object" },
    });
  });

  test.each([
    ["get_issue", "SERVER/TOOL"],
    ["a/b {x}", "no JSON object"],
    ["a/b [1]", "arguments: found a list, expected a mapping"],
    [{ server: "a", tol: "b" }, 'did you mean "tool"?'],
  ])("%j is refused", (value, message) => {
    expect(refusal("mcp", value)).toContain(message);
  });
});

const protocolOf = {
  "postgres.query": "postgres",
  "ssh.exec": "ssh",
  "ssh.file": "ssh",
  "ssh.subsystem": "ssh",
  "kubernetes.request": "kubernetes",
  "http.request": "http",
  "mcp.call": "mcp",
} as const;

test.each(Object.entries(protocolOf))("%s is read from a record as it was asked for, field by field", (kind, protocol) => {
  fc.assert(
    fc.property(operations[kind as keyof typeof protocolOf], (operation) => {
      expect(readOperation(protocol, JSON.parse(JSON.stringify(operation)))).toEqual(operation);
    }),
  );
});

test("a file operation by hand: text is its content", () => {
  expect(readOperation("ssh", { action: "write", path: "/x", content: "a\n" })).toEqual({
    ...{ kind: "ssh.file", action: "write", path: "/x", content: { text: "a\n" } },
  });
  expect(refusal("ssh", { action: "chmod", path: "/x" })).toContain("expected read or write");
  expect(refusal("ssh", { action: "read", path: "/x", mode: 1 })).toContain("mode");
});
