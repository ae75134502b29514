import * as rpc from "@countersign/rpc";
import { expect, test } from "vitest";
import { firstText, operationParts } from "../display/operation-parts.ts";
import { DecodeError, JsonObject } from "./json.ts";
import { operation, operationJson } from "./operation-json.ts";

const text = (value: string) => ({ content: { $case: "text" as const, value } });
const bytes = { content: { $case: "binary" as const, value: Buffer.from([0xff, 0, 0x80]) } };
const connection = { id: "conn_1", inTransaction: true, settings: { DateStyle: "SQL, DMY" } };
const headers = [
  { name: "accept", value: "a/b" },
  { name: "accept", value: "" },
];

/** Every kind with every field set. */
const messages: Record<string, rpc.Operation> = Object.fromEntries(
  [
    {
      $case: "postgresQuery" as const,
      value: {
        statement: "copy t from stdin",
        parameters: [{ value: { $case: "null" as const, value: true } }, { value: { $case: "text" as const, value: "" } }],
        ...{ types: [23, 0], input: text("1\n"), runs: { statements: ["select 1"] }, connection },
      },
    },
    { $case: "sshExec" as const, value: { command: "cat", tty: true, stdin: bytes, connection, streamed: true } },
    {
      $case: "sshFile" as const,
      value: {
        action: "rename",
        path: "/a",
        to: "",
        content: text(""),
        attributes: { mode: 0o644, uid: 0, size: 0 },
        connection,
        streamed: true,
      },
    },
    { $case: "sshSubsystem" as const, value: { subsystem: "sftp", connection, streamed: true } },
    {
      $case: "kubernetesRequest" as const,
      value: { method: "GET", path: "/api", headers, body: text("{}"), uid: "u-1", connection, streamed: true },
    },
    { $case: "httpRequest" as const, value: { method: "PUT", path: "/b?c", headers, body: bytes, connection, streamed: true } },
    { $case: "mcpCall" as const, value: { server: "s", tool: "t", argumentsJson: '{"a":1}', schemaJson: '{"type":"object"}' } },
  ].map((one) => [one.$case, rpc.Operation.fromPartial({ operation: one })]),
);
const wire = (message: rpc.Operation): unknown => JSON.parse(JSON.stringify(rpc.Operation.toJSON(message)));
const decode = (json: unknown) => operation(new JsonObject(json, "operation"));

test.each(Object.entries(messages))(
  "%s: what is proposed unchanged is what was asked for, but for what is its client's own",
  (field, message) => {
    const proposed: unknown = JSON.parse(JSON.stringify(operationJson(decode(wire(message)))));
    const own = { ...message.operation?.value, connection: undefined, streamed: false, runs: undefined };
    const expected = rpc.Operation.fromPartial({ operation: { $case: field, value: own } } as never);
    expect(wire(rpc.Operation.fromJSON(proposed))).toEqual(wire(expected));
  },
);

test.each(Object.entries(messages))(
  "ap-display: every part of %s is shown, and one that this page does not know is an error",
  (field, message) => {
    const json = wire(message) as Record<string, Record<string, unknown>>;
    const whole = operationParts(decode(json));
    for (const name of Object.keys(json[field] ?? {})) {
      const { [name]: _, ...rest } = json[field] ?? {};
      expect(operationParts(decode({ [field]: rest })), `without ${name}`).not.toEqual(whole);
    }
    expect(() => decode({ [field]: { ...json[field], sudo: true } })).toThrow(DecodeError);
    expect(() => decode({ ...json, sudo: true })).toThrow(DecodeError);
    expect(firstText(decode(json))).not.toBe("");
  },
);

test("the page knows every kind that the wire has", () => {
  const known = Object.keys(messages).sort();
  const fields = rpc.Operation.toJSON.toString().match(/obj\.(\w+) = /g) ?? [];
  expect(fields.map((one) => one.slice(4, -3)).sort()).toEqual(known);
});
