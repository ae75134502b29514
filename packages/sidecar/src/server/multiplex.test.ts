import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError, type Principal } from "@countersign/policy";
import {
  AgentServiceClient,
  AgentServiceService,
  type CallerFrame,
  type CallFrame,
  ErrorInfo,
  type Event,
  type MultiplexRequest,
  type MultiplexResponse,
  type Operation,
  RequestState,
} from "@countersign/rpc";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AgentService } from "./agent-service.ts";
import { type Listener, listen } from "./listener.ts";
import { Multiplex } from "./multiplex.ts";
import type { SharedCall } from "./shared-call.ts";
import { errorInfo, errorTrailer, statusResponse } from "./status.ts";

const principal: Principal = { issuer: "test", subject: "agent-7", groups: [], claims: {} };

/** Calls that came in, by what their statement says. */
const calls = new Map<string, SharedCall>();
let authenticate: () => Principal | Promise<Principal>;
let answer: (statement: string, call: SharedCall) => Promise<void>;
let folder: string;
let listener: Listener;
let client: AgentServiceClient;

beforeEach(async () => {
  calls.clear();
  authenticate = () => principal;
  answer = () => new Promise(() => {});
  folder = await mkdtemp(join(tmpdir(), "countersign-multiplex-"));
  listener = await listen({ type: "unix", path: join(folder, "agent.sock") }, service(), 1024);
  client = new AgentServiceClient(listener.address, grpc.credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await listener.close(0);
  await rm(folder, { recursive: true });
});

/** A service of shared streams whose calls do what the test says. */
function service(): AgentService {
  const shared: Multiplex[] = [];
  const absent = () => {};
  return {
    handlers: {
      ...{
        check: absent,
        submitPlan: () => {},
        getPlan: () => {},
        executeLine: () => {},
        submit: absent,
        watch: absent,
        execute: absent,
        cancel: absent,
        listResources: absent,
        getPolicy: absent,
      },
      multiplex: (stream) => {
        shared.push(
          new Multiplex(stream, {
            authenticate: () => authenticate(),
            explain: errorInfo,
            fail: statusResponse,
            execute: ({ operation }, _principal, call) => {
              const asked = operation?.operation;
              const statement = asked?.$case === "postgresQuery" ? asked.value.statement : "";
              calls.set(statement, call);
              return answer(statement, call);
            },
          }),
        );
      },
    },
    close: () => {
      for (const multiplex of shared) multiplex.close();
    },
  };
}

/** A client's end of a shared stream. */
function open() {
  const stream = client.multiplex();
  const messages: MultiplexResponse[] = [];
  const ended = new Promise<grpc.StatusObject>((resolve) => stream.on("status", resolve));
  stream.on("data", (message: MultiplexResponse) => messages.push(message));
  stream.on("error", () => {});
  return {
    stream,
    messages,
    ended,
    frames: () => messages.flatMap(({ frames }) => frames),
    say: (...frames: CallerFrame[]) => void stream.write({ frames }),
  };
}

function execute(call: number, statement = `call ${call}`): CallerFrame {
  const rest = { types: [], input: undefined, connection: undefined, runs: undefined };
  const operation: Operation = { operation: { $case: "postgresQuery", value: { statement, parameters: [], ...rest } } };
  return { call, frame: { $case: "execute", value: { resource: "db", operation, reason: "", idempotencyKey: "", session: "" } } };
}

const leave = (call: number): CallerFrame => ({ call, frame: { $case: "leave", value: {} } });
const credit = (call: number, bytes: number): CallerFrame => ({ call, frame: { $case: "credit", value: bytes } });

function event(body: Event["event"]): Event {
  return { sequence: 1, requestId: "req_1", timeMs: 1, event: body };
}

const rows = (bytes: number) => event({ $case: "rows", value: { data: Buffer.alloc(bytes), count: 1 } });
const done = event({
  $case: "done",
  value: {
    ...{ state: RequestState.SUCCEEDED, error: undefined, commandTag: "SELECT 1", rows: 1, rowsAffected: 0 },
    ...{ bytes: 2, durationMs: 1, receipt: undefined, signal: "", status: 0 },
  },
});

const last = (call: number, frames: readonly CallFrame[]) => frames.find((frame) => frame.call === call && frame.last);
const arrived = (...statements: string[]) => vi.waitFor(() => expect([...calls.keys()]).toEqual(statements));

test("what arises together travels together, and a call's outcome is in its last frame", async () => {
  answer = async (_statement, call) => call.send([rows(2), done]);
  const { say, messages } = open();
  say(execute(1), execute(2), execute(3));
  await vi.waitFor(() => expect(messages).toHaveLength(1));
  expect(messages[0]?.frames).toMatchObject([1, 2, 3].map((call) => ({ call, last: true, failure: undefined })));
  expect(messages[0]?.frames[1]?.events.map((one) => one.event?.$case)).toEqual(["rows", "done"]);
});

test("a call that fails says why, one that breaks off says nothing, and neither touches others", async () => {
  answer = async (statement, call) => {
    if (statement === "call 1") throw new CountersignError("unknown_resource", "There is no resource of that name.");
    if (statement === "call 2") throw new TypeError("x is not a function");
    if (statement === "call 4") await call.send([done]);
  };
  const { say, frames } = open();
  say(execute(1), execute(2), execute(3), execute(4));
  await vi.waitFor(() => expect(frames()).toHaveLength(4));
  expect(last(1, frames())?.failure).toMatchObject({ code: "unknown_resource" });
  expect(last(2, frames())?.failure).toMatchObject({ code: "internal", message: expect.not.stringContaining("function") });
  expect(last(3, frames())).toMatchObject({ events: [], failure: undefined });
  expect(last(4, frames())?.events).toHaveLength(1);
});

test("a caller that does not take its rows makes its own call wait, until it gives credit or goes away", async () => {
  const sent = new Map<string, number>();
  answer = async (statement, call) => {
    if (statement === "quick") return call.send([done]);
    for (let n = 1; n <= 100 && !call.signal.aborted; n++) {
      await call.send([rows(128 * 1024)]);
      sent.set(statement, n);
    }
  };
  const { say, frames } = open();
  say(execute(1, "slow"), execute(2, "slower"));
  await sleep(100);
  say(execute(3, "quick"));
  await vi.waitFor(() => expect(last(3, frames())).toBeDefined());
  // The window is four parts wide; the fourth is sent and waited for.
  expect([...sent]).toEqual([
    ["slow", 3],
    ["slower", 3],
  ]);
  say(credit(1, 256 * 1024), leave(2));
  await vi.waitFor(() => expect([...sent.values()]).toEqual([5, 4]));
  await sleep(50);
  expect(sent.get("slow")).toBe(5);
});

test("results that are taken at once go on as long as the transport takes them", async () => {
  answer = async (_statement, call) => {
    for (let n = 0; n < 500; n++) await call.send([rows(64 * 1024)]);
    await call.send([done]);
  };
  const { say, stream, frames } = open();
  stream.on("data", (message: MultiplexResponse) => {
    for (const frame of message.frames) if (!frame.last) say(credit(frame.call, 64 * 1024));
  });
  say(execute(1), execute(2));
  await vi.waitFor(() => expect([last(1, frames()), last(2, frames())]).not.toContain(undefined), 10_000);
  expect(frames()).toHaveLength(1002);
});

test("when the client takes nothing at all, every call waits, also those within their windows", async () => {
  let sent = 0;
  answer = async (_statement, call) => {
    for (let n = 0; n < 7; n++) {
      await call.send([rows(32 * 1024)]);
      sent++;
    }
    await call.send([done]);
  };
  const { say, stream, frames } = open();
  stream.once("data", () => stream.pause());
  say(...Array.from({ length: 100 }, (_, index) => execute(index + 1)));
  await sleep(500);
  expect(sent).toBeLessThan(300);
  stream.resume();
  await vi.waitFor(() => expect(frames().filter((frame) => frame.last)).toHaveLength(100), 10_000);
  expect(sent).toBe(700);
});

test("who goes away is gone for its own call only", async () => {
  const { say } = open();
  say(execute(1), execute(2));
  await arrived("call 1", "call 2");
  say(leave(1));
  await vi.waitFor(() => expect(calls.get("call 1")?.signal.aborted).toBe(true));
  expect(calls.get("call 2")?.signal.aborted).toBe(false);
});

test("when the stream breaks, all its callers have gone away", async () => {
  const { say, stream } = open();
  say(execute(1), execute(2));
  await arrived("call 1", "call 2");
  stream.cancel();
  await vi.waitFor(() => expect([...calls.values()].map(({ signal }) => signal.aborted)).toEqual([true, true]));
});

test("a client that has sent its last call still hears how its calls end", async () => {
  const held = Promise.withResolvers<void>();
  answer = async (_statement, call) => {
    await held.promise;
    await call.send([done]);
  };
  const { say, stream, frames, ended } = open();
  say(execute(1));
  stream.end();
  await arrived("call 1");
  expect(calls.get("call 1")?.signal.aborted).toBe(false);
  held.resolve();
  expect(await ended).toMatchObject({ code: grpc.status.OK });
  expect(last(1, frames())?.events).toHaveLength(1);
});

test("a stream without a good token is refused", async () => {
  authenticate = async () => {
    throw new CountersignError("unauthenticated", "Send a token.");
  };
  const { say, ended } = open();
  say(execute(1));
  const { code, metadata } = await ended;
  expect(code).toBe(grpc.status.UNAUTHENTICATED);
  expect(ErrorInfo.decode(metadata.get(errorTrailer)[0] as Buffer)).toMatchObject({ code: "unauthenticated" });
  expect(calls.size).toBe(0);
});

test("a token that has expired opens no more calls on the stream that it opened", async () => {
  const { say, frames } = open();
  say(execute(1));
  await arrived("call 1");
  authenticate = () => Promise.reject(new CountersignError("unauthenticated", "The token has expired."));
  say(execute(2));
  await vi.waitFor(() => expect(last(2, frames())?.failure).toMatchObject({ code: "unauthenticated" }));
  expect([...calls.keys()]).toEqual(["call 1"]);
  expect(calls.get("call 1")?.signal.aborted).toBe(false);
});

test("a caller that leaves while it is being authenticated never reaches the guard", async () => {
  const verified = Promise.withResolvers<Principal>();
  const { say, frames } = open();
  say(execute(1));
  await arrived("call 1");
  authenticate = () => verified.promise;
  say(execute(2), leave(2), execute(3));
  await sleep(50);
  verified.resolve(principal);
  await arrived("call 1", "call 3");
  expect(frames()).toEqual([]);
});

test.each<[string, CallerFrame]>([
  ["a call without a number", execute(0)],
  ["a number that is used again", execute(5)],
  ["a number that comes late", execute(4)],
  ["leaving a call that was never made", leave(6)],
  ["credit for a call that was never made", credit(6, 1)],
  ["no call", leave(0)],
  ["a frame of no kind", { call: 6, frame: undefined }],
])("%s ends the stream with an error", async (_what, frame) => {
  const { say, ended } = open();
  say(execute(5));
  await arrived("call 5");
  say(frame, execute(7));
  expect(await ended).toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
  expect(calls.get("call 5")?.signal.aborted).toBe(true);
  expect(calls.has("call 7")).toBe(false);
});

test("leaving and credit come too late for a call that has ended", async () => {
  answer = async (_statement, call) => call.send([done]);
  const { say, frames } = open();
  say(execute(1));
  await vi.waitFor(() => expect(frames()).toHaveLength(1));
  say(leave(1), credit(1, 10), execute(2));
  await vi.waitFor(() => expect(last(2, frames())?.events).toHaveLength(1));
});

test.each([
  ["no message", Buffer.from([0xff, 0xff, 0xff])],
  ["cut off", Buffer.from([0x0a, 0x7f, 0x08])],
  ["a number that no JavaScript number holds", Buffer.from([0x0a, 10, 0x08, ...Array(8).fill(0xff), 0x01])],
  ["larger than the listener takes", Buffer.alloc(300 * 1024)],
])("bytes that are %s end the stream, and the sidecar goes on", async (_what, bytes) => {
  const { multiplex } = AgentServiceService;
  const Raw = grpc.makeGenericClientConstructor(
    {
      multiplex: {
        ...multiplex,
        requestSerialize: (value: Buffer | MultiplexRequest) =>
          Buffer.isBuffer(value) ? value : multiplex.requestSerialize(value),
      },
    },
    "countersign.v1.AgentService",
  );
  const raw = new Raw(listener.address, grpc.credentials.createInsecure());
  const stream = raw.multiplex?.();
  const ended = new Promise<grpc.StatusObject>((resolve) => stream.on("status", resolve));
  stream.on("error", () => {});
  stream.on("data", () => {});
  stream.write({ frames: [execute(1)] });
  await arrived("call 1");
  stream.write(bytes);
  expect((await ended).code).not.toBe(grpc.status.OK);
  await vi.waitFor(() => expect(calls.get("call 1")?.signal.aborted).toBe(true));
  raw.close();
  open().say(execute(1, "another"));
  await arrived("call 1", "another");
});

test("calls beyond the bound are refused, those before them stay", async () => {
  const { say, frames } = open();
  for (let from = 1; from <= 4097; from += 500) {
    say(...Array.from({ length: Math.min(500, 4098 - from) }, (_, index) => execute(from + index)));
  }
  await vi.waitFor(() => expect(frames()).toHaveLength(1), 5000);
  expect(frames()[0]).toMatchObject({ call: 4097, last: true, failure: { code: "too_many_requests", retryable: true } });
  expect(calls.size).toBe(4096);
  say(leave(1), execute(4098));
  await vi.waitFor(() => expect(calls.has("call 4098")).toBe(true));
});

test("a client that asks and never listens is not heard for ever", async () => {
  answer = () => Promise.reject(new CountersignError("invalid_operation", "No. ".repeat(100)));
  const stream = client.multiplex();
  let answers = 0;
  let listening = false;
  stream.on("error", () => {});
  stream.on("data", ({ frames }: MultiplexResponse) => {
    answers += frames.length;
    if (!listening) stream.pause();
  });
  const asked = 100_000;
  for (let call = 1; call <= asked; call += 100)
    stream.write({ frames: Array.from({ length: 100 }, (_, index) => execute(call + index)) });
  let before = -1;
  await vi.waitFor(
    () => {
      const settled = before > 0 && calls.size === before;
      before = calls.size;
      expect(settled).toBe(true);
    },
    { timeout: 10_000, interval: 300 },
  );
  expect(calls.size).toBeLessThan(asked / 2);
  // Once it listens, it hears all.
  listening = true;
  stream.resume();
  await vi.waitFor(() => expect(answers).toBe(asked), 15_000);
});

test("a sidecar that stops ends what is idle at once, and says which calls it looked at", async () => {
  answer = async (_statement, call) => call.send([done]);
  const { say, messages, ended } = open();
  say(execute(1), execute(2));
  await vi.waitFor(() => expect(messages).toHaveLength(1));
  const began = performance.now();
  await listener.close(10_000);
  expect(performance.now() - began).toBeLessThan(2000);
  expect(await ended).toMatchObject({ code: grpc.status.OK });
  expect(messages.at(-1)).toEqual({ frames: [], lastCall: 2 });
});

test("a sidecar that stops refuses new calls, and lets those that run end", async () => {
  const held = Promise.withResolvers<void>();
  answer = async (_statement, call) => {
    await held.promise;
    await call.send([done]);
  };
  const { say, frames, messages, ended } = open();
  say(execute(1));
  await arrived("call 1");
  const closed = listener.close(10_000);
  say(execute(2));
  await vi.waitFor(() => expect(last(2, frames())?.failure).toMatchObject({ code: "shutting_down", retryable: true }));
  held.resolve();
  await closed;
  expect(await ended).toMatchObject({ code: grpc.status.OK });
  expect(last(1, frames())?.events).toHaveLength(1);
  expect(messages.at(-1)?.lastCall).toBe(2);
});

test("calls that do not end within the grace are cut", async () => {
  const { say, ended } = open();
  say(execute(1));
  await arrived("call 1");
  await listener.close(50);
  expect((await ended).code).not.toBe(grpc.status.OK);
  expect(calls.get("call 1")?.signal.aborted).toBe(true);
});
