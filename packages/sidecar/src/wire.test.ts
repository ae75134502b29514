import { operationMessage } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import { expect, test } from "vitest";
import { operations, samples } from "../../policy/src/operation/testing-operations.ts";
import { chunkBody, dataBytes, decodeChunk, encodeChunk } from "./chunk-forms.ts";
import { outcomeDetail, readOutcome } from "./outcome-detail.ts";
import type { ResultChunk } from "./protocols/connector.ts";
import { decisionBody } from "./request-events.ts";
import { operationFromWire, wireOutcome } from "./wire.ts";

/** What arrives when it was sent: through the bytes. */
const travelled = (message: rpc.Operation) => rpc.Operation.decode(rpc.Operation.encode(message).finish());
const isOwn = (operation: object) => "connection" in operation || "streamed" in operation || "runs" in operation;

test.each(Object.entries(operations))(
  "%s arrives over the wire as it was sent; what only a client's own connection may say is refused",
  (_, arbitrary) => {
    for (const operation of samples(arbitrary)) {
      const arrived = travelled(operationMessage(operation));
      if (!isOwn(operation)) expect(operationFromWire(arrived)).toEqual(operation);
      else expect(() => operationFromWire(arrived)).toThrow(expect.objectContaining({ code: "invalid_request" }));
    }
  },
);

test("an agent cannot act on another client's connection, have unseen input run, or say what an EXECUTE runs", () => {
  const own = { connection: undefined, streamed: false };
  const query = { statement: "execute a", parameters: [], types: [], input: undefined, connection: undefined, runs: undefined };
  const bad: rpc.Operation[] = [
    { operation: { $case: "sshExec", value: { command: "cat", tty: false, stdin: undefined, ...own, streamed: true } } },
    {
      operation: {
        $case: "sshSubsystem",
        value: { subsystem: "sftp", ...own, connection: { id: "", inTransaction: false, settings: {} } },
      },
    },
    { operation: { $case: "postgresQuery", value: { ...query, runs: { statements: ["select 1"] } } } },
    { operation: { $case: "postgresQuery", value: { ...query, runs: { statements: [] } } } },
    { operation: undefined },
  ];
  for (const message of bad)
    expect(() => operationFromWire(travelled(message))).toThrow(expect.objectContaining({ code: "invalid_request" }));
});

const chunks: readonly ResultChunk[] = [
  { type: "columns", columns: [{ name: "id", typeOid: 23, typeModifier: -1 }] },
  { type: "rows", data: Buffer.from("row"), count: 1 },
  { type: "output", stream: "stdout", data: Buffer.from([0, 255]) },
  { type: "output", stream: "stderr", data: Buffer.alloc(0) },
  {
    type: "response",
    status: 204,
    headers: [
      ["set-cookie", "a=1"],
      ["set-cookie", ""],
    ],
  },
  { type: "body", data: Buffer.from("body") },
];

test.each(chunks)("a result's $type is kept and sent as it came", (chunk) => {
  const { frame, bytes } = encodeChunk(chunk);
  expect(decodeChunk(frame, bytes)).toEqual(chunk);
  const body = chunkBody(chunk);
  const event = { sequence: 1, requestId: "r", timeMs: 1, event: body };
  expect(rpc.Event.decode(rpc.Event.encode(event).finish()).event).toEqual(body);
  expect(dataBytes(body)).toBe("data" in chunk ? chunk.data.length : 0);
});

test("the numbers in kept results stay what they are, and those of a newer sidecar are left out", () => {
  const frames = Object.fromEntries(chunks.map((chunk) => [chunk.type, encodeChunk(chunk).frame]));
  expect(frames).toEqual({ columns: 1, rows: 2, output: 4, response: 5, body: 6 });
  expect(decodeChunk(7, new Uint8Array())).toBeUndefined();
});

const ended = { state: "succeeded", rows: 0, bytes: 4, durationMs: 2 } as const;

test.each([{ exit: { code: 0 } }, { exit: { code: 255 } }, { exit: { signal: "TERM" } }, { status: 503 }, {}])(
  "how it ended, %j, is recorded, read back and sent",
  (how) => {
    const outcome = { ...ended, ...how };
    expect(readOutcome(JSON.parse(JSON.stringify(outcomeDetail(outcome))))).toEqual(outcome);
    const { exit, status = 0 } = { exit: undefined, ...how } as { exit?: { code?: number; signal?: string }; status?: number };
    const message = rpc.Outcome.decode(rpc.Outcome.encode(wireOutcome(outcome, "r", undefined)).finish());
    expect([message.exitCode, message.signal, message.status]).toEqual([exit?.code, exit?.signal ?? "", status]);
  },
);

test.each([
  [{ protocol: "ssh", ssh: { opaque: false } }, false],
  [{ protocol: "http", http: { opaque: true } }, true],
  [{ protocol: "kubernetes", kubernetes: {} }, true],
  [{ protocol: "ssh", http: { opaque: false } }, true],
  [{ protocol: "constructor" }, true],
  [{ sql: { opaque: false } }, true],
  [{ protocol: "postgres", sql: { opaque: false } }, false],
  [
    {
      lines: [
        { protocol: "mcp", mcp: { opaque: false } },
        { protocol: "ssh", ssh: { opaque: true } },
      ],
    },
    true,
  ],
])("what was stored of facts, %j, counts as opaque: %s", (facts, opaque) => {
  const decision = { effect: "deny", rules: [], message: "", policyDigest: "sha256:0" } as const;
  const body = decisionBody({ decision, facts, binding: { actionDigest: "sha256:0" } } as unknown as Parameters<
    typeof decisionBody
  >[0]);
  expect(body).toMatchObject({ value: { decision: { opaque } } });
});
