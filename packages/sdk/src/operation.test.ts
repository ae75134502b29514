import { readOperationMessage } from "@countersign/policy/operation";
import { type Event, OutputStream, RequestState } from "@countersign/rpc";
import { expect, test } from "vitest";
import type { GuardedAction } from "./action.ts";
import { toOperation } from "./operation.ts";
import * as agent from "./testing-agent.ts";
import { connected } from "./testing-agent.ts";

const on = { resource: "web-1" };
const asked: readonly (readonly [GuardedAction, object])[] = [
  [
    { ...on, kind: "ssh.exec", command: "uptime" },
    { kind: "ssh.exec", command: "uptime" },
  ],
  [
    { ...on, kind: "ssh.exec", command: ["echo", "a b", "$HOME"], stdin: Uint8Array.of(255) },
    { kind: "ssh.exec", command: "echo 'a b' '$HOME'", stdin: { binary: "_w" } },
  ],
  [
    { ...on, kind: "ssh.file", action: "write", path: "/x", content: "é\n", attributes: { mode: 0o600 } },
    { kind: "ssh.file", action: "write", path: "/x", content: { text: "é\n" }, attributes: { mode: 0o600 } },
  ],
  [
    { ...on, kind: "http.request", method: "POST", path: "/a?b", headers: { accept: "x" }, body: "{}" },
    { kind: "http.request", method: "POST", path: "/a?b", headers: [["accept", "x"]], body: { text: "{}" } },
  ],
  [
    {
      ...on,
      kind: "kubernetes.request",
      method: "GET",
      path: "/api",
      headers: [
        ["a", "1"],
        ["a", "2"],
      ],
      uid: "u",
    },
    {
      kind: "kubernetes.request",
      method: "GET",
      path: "/api",
      headers: [
        ["a", "1"],
        ["a", "2"],
      ],
      uid: "u",
    },
  ],
  [
    { ...on, kind: "mcp.call", server: "s", tool: "t", arguments: { n: [1, null] } },
    { kind: "mcp.call", server: "s", tool: "t", arguments: { n: [1, null] } },
  ],
];

test.each(asked)("%j is sent as it is", (action, operation) => {
  expect(readOperationMessage(toOperation(action))).toEqual(operation);
});

test.each<GuardedAction>([
  { ...on, kind: "ssh.exec", command: "echo \udfff" },
  { ...on, kind: "ssh.file", action: "read", path: "/\ud800" },
  { ...on, kind: "http.request", method: "GET", path: "/", headers: { "\ud800": "" } },
  { ...on, kind: "mcp.call", server: "s", tool: "t", arguments: { "\ud800": 1 } },
])("half of a surrogate pair would arrive as something else: %j is refused before it is sent", (action) => {
  expect(() => toOperation(action)).toThrow(expect.objectContaining({ code: "invalid_operation" }));
});

test("a kind that there is not is refused by name", () => {
  const action = { ...on, kind: "toString" } as unknown as GuardedAction;
  expect(() => toOperation(action)).toThrow(
    expect.objectContaining({ code: "invalid_operation", message: expect.stringContaining("ssh.exec") }),
  );
});

const { numbered, pending, approved, executing, done } = agent;
const output = (stream: OutputStream, text: string): NonNullable<Event["event"]> => ({
  $case: "output",
  value: { stream, data: Buffer.from(text) },
});

/** A durable request that ends with these events. */
async function ending(...events: NonNullable<Event["event"]>[]) {
  const here = await connected({
    submit: () => ({
      requestId: agent.requestId,
      actionDigest: agent.actionDigest,
      state: RequestState.PENDING,
      approvalUrl: "",
      decision: undefined,
    }),
    watch(_request, call) {
      call.write(numbered(1, pending, approved, executing, ...events));
      call.end();
    },
  });
  return { here, handle: await here.cs.submit({ ...on, kind: "ssh.exec", command: "make" }) };
}

test("a command's result: what it wrote to both streams, and its code; as events in the order in which they came", async () => {
  const { here, handle } = await ending(
    ...[output(OutputStream.STDOUT, "a"), output(OutputStream.STDERR, "!"), output(OutputStream.STDOUT, "b")],
    done("", { bytes: 3, exitCode: 2 }),
  );
  await using _ = here;
  const outcome = await handle.result();
  expect(outcome).toMatchObject({ state: "succeeded", exit: { code: 2 }, rows: [], resultGone: false });
  expect([outcome.output?.stdout.toString(), outcome.output?.stderr.toString()]).toEqual(["ab", "!"]);
  const types: string[] = [];
  for await (const event of handle.events()) types.push("data" in event ? `${event.type} ${event.data}` : event.type);
  expect(types).toEqual(["pending", "approved", "executing", "stdout a", "stderr !", "stdout b", "done"]);
});

test("a command that wrote nothing, and one that a signal ended", async () => {
  const { here, handle } = await ending(done("", { signal: "KILL" }));
  await using _ = here;
  expect(await handle.result()).toMatchObject({
    exit: { signal: "KILL" },
    output: { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) },
  });
});

test("a response: its status, its headers and its whole body", async () => {
  const headers = [
    { name: "set-cookie", value: "a" },
    { name: "set-cookie", value: "b" },
  ];
  const part = (text: string) => ({ $case: "body" as const, value: { data: Buffer.from(text) } });
  const { here, handle } = await ending(
    ...[{ $case: "response" as const, value: { status: 404, headers } }, part("no "), part("such")],
    done("", { bytes: 7, status: 404 }),
  );
  await using _ = here;
  const { response, output: none, resultGone } = await handle.result();
  expect(response).toEqual({
    status: 404,
    headers: [
      ["set-cookie", "a"],
      ["set-cookie", "b"],
    ],
    body: Buffer.from("no such"),
  });
  expect([none, resultGone]).toEqual([undefined, false]);
});

test("output that is no longer kept is not taken for output that there never was", async () => {
  const { here, handle } = await ending(output(OutputStream.STDOUT, "a"), done("", { bytes: 3, exitCode: 0 }));
  await using _ = here;
  expect((await handle.result()).resultGone).toBe(true);
});
