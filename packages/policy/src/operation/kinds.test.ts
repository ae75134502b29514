import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClientConnection, type LineOperation, sshFileActions } from "../action.ts";
import type { Json } from "../canonical.ts";
import { bodyBytes, bodyOf } from "./body.ts";
import { operationMessage, operationParts, operationText, readOperationMessage } from "./kinds.ts";

const text = fc.string({ unit: "grapheme" }).filter((one) => one.isWellFormed());
const word = fc.string({ minLength: 1, unit: "grapheme-ascii" });
const body = fc.uint8Array({ maxLength: 40 }).map(bodyOf);
const connection: fc.Arbitrary<ClientConnection> = fc.record(
  { id: word, inTransaction: fc.constant(true as const), settings: fc.dictionary(word, text, { minKeys: 1 }) },
  { requiredKeys: ["id"] },
);
const own = { connection, streamed: fc.constant(true as const) };
const request = { method: word, path: word, headers: fc.array(fc.tuple(word, text)) };
const natural = fc.nat();
const attributes = fc.record(
  { size: natural, uid: natural, gid: natural, mode: natural, accessed: natural, modified: natural },
  { requiredKeys: [] },
);

/** Every kind, with every field that it can have. */
const operations: Record<LineOperation["kind"], fc.Arbitrary<LineOperation>> = {
  "postgres.query": fc.record(
    {
      kind: fc.constant("postgres.query" as const),
      statement: text,
      parameters: fc.array(
        fc.oneof(
          fc.constant(null),
          fc.record({ text }),
          fc.uint8Array().map((bytes) => ({ binary: Buffer.from(bytes).toString("base64url") })),
        ),
      ),
      types: fc.array(natural, { minLength: 1 }),
      input: body,
      connection,
    },
    { requiredKeys: ["kind", "statement", "parameters"] },
  ),
  "ssh.exec": fc.record(
    { kind: fc.constant("ssh.exec" as const), command: text, tty: fc.constant(true), stdin: body, ...own },
    { requiredKeys: ["kind", "command"] },
  ),
  "ssh.file": fc.record(
    {
      ...{ kind: fc.constant("ssh.file" as const), action: fc.constantFrom(...sshFileActions), path: text, to: text },
      ...{ content: body, attributes, ...own },
    },
    { requiredKeys: ["kind", "action", "path"] },
  ),
  "ssh.subsystem": fc.record(
    { kind: fc.constant("ssh.subsystem" as const), subsystem: word, ...own },
    { requiredKeys: ["kind", "subsystem"] },
  ),
  "kubernetes.request": fc.record(
    { kind: fc.constant("kubernetes.request" as const), ...request, body, uid: word, ...own },
    { requiredKeys: ["kind", "method", "path", "headers"] },
  ),
  "http.request": fc.record(
    { kind: fc.constant("http.request" as const), ...request, body, ...own },
    { requiredKeys: ["kind", "method", "path", "headers"] },
  ),
  "mcp.call": fc.record(
    {
      ...{ kind: fc.constant("mcp.call" as const), server: word, tool: word },
      arguments: fc.dictionary(
        word,
        // -0 is 0 in JSON.
        fc.jsonValue().map((value): Json => JSON.parse(JSON.stringify(value))),
      ),
      schema: fc.jsonValue().map((value): Json => JSON.parse(JSON.stringify(value))),
    },
    { requiredKeys: ["kind", "server", "tool", "arguments"] },
  ),
};

const kinds = Object.entries(operations);

test.each(kinds)("%s: what travels is what was asked for, field by field", (_, operation) => {
  fc.assert(
    fc.property(operation, (one) => {
      expect(readOperationMessage(operationMessage(one))).toEqual(one);
    }),
  );
});

test.each(kinds)("ap-display: two operations of %s that differ in anything are shown in different parts", (_, operation) => {
  fc.assert(
    fc.property(operation, operation, (one, other) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other));
      expect(operationParts(one)).not.toEqual(operationParts(other));
    }),
  );
});

test.each(kinds)("ap-display: every field of %s changes what is shown", (_, operation) => {
  fc.assert(
    fc.property(operation, (one) => {
      for (const field of Object.keys(one)) {
        const { [field]: gone, ...rest } = { ...one } as Record<string, unknown>;
        if (optional.has(field) && !isNothing(gone)) expect(operationParts(rest as never)).not.toEqual(operationParts(one));
      }
    }),
  );
});
const optional: ReadonlySet<string> = new Set(
  "types input connection streamed tty stdin to content attributes uid body schema".split(" "),
);
function isNothing(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

test("the same bytes are always the same body: text where they are UTF-8, whatever they were sent as", () => {
  const sent = (binary: string) =>
    readOperationMessage({
      operation: {
        $case: "sshExec",
        value: {
          ...{ command: "cat", tty: false, connection: undefined, streamed: false },
          stdin: { content: { $case: "binary", value: Buffer.from(binary, "latin1") } },
        },
      },
    });
  expect(sent("a\u0000b")).toMatchObject({ stdin: { text: "a\u0000b" } });
  expect(sent("\u00ef\u00bb\u00bfx")).toMatchObject({ stdin: { text: "\ufeffx" } });
  expect(sent("\u00ff")).toMatchObject({ stdin: { binary: "_w" } });
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect([...bodyBytes(bodyOf(bytes))]).toEqual([...bytes]);
    }),
  );
});

test("what has no place in an operation is refused", () => {
  const file = { path: "/x", content: undefined, attributes: undefined, connection: undefined, streamed: false };
  expect(() => readOperationMessage({ operation: { $case: "sshFile", value: { ...file, action: "chmod" } } })).toThrow(
    expect.objectContaining({ code: "invalid_request" }),
  );
  const call = { server: "github", tool: "merge", schemaJson: "" };
  for (const argumentsJson of ["[]", "null", "1", "{", '"x"'])
    expect(() => readOperationMessage({ operation: { $case: "mcpCall", value: { ...call, argumentsJson } } })).toThrow(
      expect.objectContaining({ code: "invalid_request" }),
    );
  expect(readOperationMessage(undefined)).toBeUndefined();
  expect(readOperationMessage({ operation: undefined })).toBeUndefined();
});

test("in one line: what it is about", () => {
  expect(operationText({ kind: "ssh.file", action: "rename", path: "/a", to: "/b" })).toBe("rename /a /b");
  expect(operationText({ kind: "http.request", method: "POST", path: "/refunds?x=1", headers: [] })).toBe("POST /refunds?x=1");
});
