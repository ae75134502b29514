import { expect, test } from "vitest";
import { CountersignError } from "../outcome.ts";
import { idOf, readAsking } from "./asking-json.ts";

function refusal(value: unknown): string {
  try {
    readAsking(value, "postgres");
  } catch (error) {
    if (error instanceof CountersignError && error.code === "invalid_request") return error.message;
    throw error;
  }
  return "(accepted)";
}

const operation = { kind: "postgres.query", statement: "select 1", parameters: [] };

test("an operation with nothing beside it", () => {
  for (const value of ["select 1", { sql: "select 1" }, { operation: "select 1" }, { operation, session: "run-7" }]) {
    expect(readAsking(value, "postgres")).toEqual({
      type: "postgres",
      operation,
      resource: undefined,
      labels: {},
      roles: undefined,
      principal: undefined,
      role: undefined,
      reason: undefined,
      nowMs: undefined,
    });
  }
});

test("everything that may stand beside it", () => {
  const value = {
    id: 7,
    type: "postgres",
    statement: "select 1",
    resource: { name: "orders-db", labels: { env: "prod" }, roles: ["reader"] },
    labels: { team: "a" },
    principal: { issuer: "i", subject: "s", groups: ["g"], claims: { a: [1] }, owner: "o" },
    role: "reader",
    reason: "why",
    now: "2026-01-31T12:00:00+01:00",
  };
  expect(readAsking(value, undefined)).toEqual({
    type: "postgres",
    operation,
    resource: "orders-db",
    labels: { env: "prod", team: "a" },
    roles: ["reader"],
    principal: value.principal,
    role: "reader",
    reason: "why",
    nowMs: Date.UTC(2026, 0, 31, 11),
  });
  expect(readAsking({ statement: "select 1", resource: "x", now: 5 }, "postgres")).toMatchObject({ resource: "x", nowMs: 5 });
});

test("a claim of any name is kept", () => {
  const { principal } = readAsking(JSON.parse('{"sql": "select 1", "principal": {"claims": {"__proto__": 1}}}'), "postgres");
  expect(JSON.stringify(principal)).toBe('{"claims":{"__proto__":1}}');
  expect(refusal({ sql: "select 1", principal: { claims: [] } })).toContain("principal.claims");
});

test("its own type and kind win over the default", () => {
  expect(readAsking({ type: "ssh", command: "ls" }, "postgres")).toMatchObject({ operation: { kind: "ssh.exec" } });
  expect(readAsking({ kind: "http.request", method: "GET", path: "/", headers: [] }, undefined)).toMatchObject({ type: "http" });
});

test.each([
  [{ statment: "x" }, 'unknown key "statment"; did you mean "statement"?'],
  [{ statement: "x", resorce: "y" }, 'unknown key "resorce"; did you mean "resource"?'],
  [{ statement: "x", reson: "y" }, 'unknown key "reson"; did you mean "reason"?'],
  [{ operation: "x", reson: "y" }, 'unknown key "reson"; did you mean "reason"?'],
  [{ statement: "x", type: "postgre" }, 'did you mean "postgres"?'],
  [{ statement: "x", principal: { groups: "ops" } }, "principal.groups: found the text"],
  [{ statement: "x", now: "yesterday" }, "expected a time like"],
  [{ statement: "x", now: "2026-01-31T12:00:00" }, "expected a time like"],
  [{ statement: "x", labels: { a: 1 } }, "labels.a: found 1"],
  [{ statement: "x", resource: { nme: "a" } }, 'did you mean "name"'],
  [["select 1"], "found a list"],
])("%j is refused", (value, message) => {
  expect(refusal(value)).toContain(message);
});

test("a type has to be known", () => {
  expect(() => readAsking("ls", undefined)).toThrow(/says no type; add "type": one of postgres, ssh/);
});

// A mistake in an operation's own field must not be told as one in a field beside it.
test.each([
  ["postgres", { statement: 1, sql: 1, text: 1, parameters: 1, params: 1, kind: 1 }],
  ["ssh", { command: 1, argv: 1, tty: 1, kind: 1 }],
  ["ssh", { subsystem: 1 }],
  ["kubernetes", { method: 1, path: 1, query: 1, headers: 1, body: 1, exec: 1 }],
  ["mcp", { server: 1, tool: 1, arguments: 1, args: 1, schema: 1, kind: 1 }],
] as const)("no field of a %s operation looks like one beside it", (type, fields) => {
  expect(() => readAsking(fields, type)).toThrow(/^(?!.*unknown key).*$/);
});

test("what a line calls itself can be told whatever else it holds", () => {
  expect(idOf({ id: "a", statment: 1 })).toBe("a");
  expect(idOf({ id: null })).toBeNull();
  expect([idOf({}), idOf("x"), idOf([1])]).toEqual([undefined, undefined, undefined]);
});
