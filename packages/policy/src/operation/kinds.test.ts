import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyBytes, bodyOf } from "./body.ts";
import { operationMessage, operationParts, operationText, readOperationMessage } from "./kinds.ts";
import { operations } from "./testing-operations.ts";

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
  "types input runs connection streamed tty stdin to content attributes uid body schema".split(" "),
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
