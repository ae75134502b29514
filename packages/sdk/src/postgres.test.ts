import { once } from "node:events";
import { Effect, RequestState } from "@countersign/rpc";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { Countersign } from "./client.ts";
import * as agent from "./testing-agent.ts";
import { connected, queryOf, type Script } from "./testing-agent.ts";

const { numbered, decided, executing, columns, rows, done } = agent;

/** Answers every query at once with two rows. */
const twoRows: Script = {
  execute(_submit, call) {
    call.write(
      numbered(
        0,
        decided(),
        executing,
        columns(["id", 23], ["name", 25]),
        rows(["1", "a"], ["2", null]),
        done("SELECT 2", { rows: 2 }),
      ),
    );
    call.end();
  },
};

test("a query gives typed rows, what ran, and who can prove it", async () => {
  const receipt = {
    requestId: agent.requestId,
    actionDigest: agent.actionDigest,
    effect: Effect.ALLOW,
    logIndex: 41,
    record: Buffer.from("{}"),
    inclusionProof: [Buffer.alloc(32)],
    checkpoint: "checkpoint",
    grant: "",
  };
  await using here = await connected({
    execute(_submit, call) {
      call.write(numbered(0, decided(), executing, columns(["id", 23])));
      call.write(numbered(3, rows(["1"]), rows(["2"])));
      call.write(numbered(5, done("SELECT 2", { rows: 2, receipt })));
      call.end();
    },
  });
  const result = await here.db.query<{ id: number }>("select id from orders where id < $1", [3], {
    reason: "why",
    idempotencyKey: "k",
  });
  const { grant: _, ...proof } = receipt;
  expect(result).toEqual({
    rows: [{ id: 1 }, { id: 2 }],
    columns: [{ name: "id", typeOid: 23, typeModifier: -1 }],
    rowCount: 2,
    command: "SELECT",
    requestId: agent.requestId,
    digest: agent.actionDigest,
    durationMs: 2,
    receipt: { ...proof, effect: "allow" },
  });
  expect(here.service.executed).toEqual([
    expect.objectContaining({ resource: "orders-db", reason: "why", idempotencyKey: "k", session: "" }),
  ]);
});

test("no key is sent that the caller did not give: a stored request would be slower", async () => {
  await using here = await connected(twoRows, { session: "run-42", defaults: { reason: "nightly job" } });
  await here.db.query("select 1");
  expect(here.service.executed[0]).toMatchObject({ idempotencyKey: "", session: "run-42", reason: "nightly job" });
});

test("completion tags", async () => {
  const tags = ["INSERT 0 3", "DELETE 0", "CREATE TABLE", "SELECT 5", "COPY 7", ""];
  await using here = await connected({
    execute(submit, call) {
      call.write(numbered(0, decided(), executing, done(queryOf(submit)?.parameters[0]?.value?.value.toString() ?? "")));
      call.end();
    },
  });
  const results = await Promise.all(tags.map((tag) => here.db.query("x", [tag])));
  expect(results.map(({ command, rowCount }) => [command, rowCount])).toEqual([
    ["INSERT", 3],
    ["DELETE", 0],
    ["CREATE TABLE", null],
    ["SELECT", 5],
    ["COPY", 7],
    ["", null],
  ]);
});

test.each([
  [RequestState.DENIED, "denied", "Ask the platform team.", ""],
  [RequestState.EXPIRED, "expired", "Nobody approved in time.", ""],
  [RequestState.CANCELLED, "cancelled", "Cancelled by alice.", ""],
  [RequestState.REVOKED, "revoked", "The policy changed.", ""],
  [RequestState.FAILED, "target_error", 'relation "x" does not exist', "42P01"],
  [RequestState.UNKNOWN, "unknown_outcome", "The sidecar stopped in the middle.", ""],
])("an outcome of state %i rejects with its code", async (state, code, message, targetCode) => {
  await using here = await connected({
    execute(_submit, call) {
      call.write(numbered(0, decided(), agent.ended(state, code, message, targetCode)));
      call.end();
    },
  });
  const error = await here.db.query("x").catch((reason) => reason);
  expect(error).toMatchObject({ name: "CountersignError", code, message, requestId: agent.requestId });
  expect(error.targetCode).toBe(targetCode || undefined);
});

test("an outcome that this SDK does not know is never a success", async () => {
  await using here = await connected({
    execute(_submit, call) {
      call.write(numbered(0, decided(), done("DELETE 1", { state: RequestState.UNSPECIFIED })));
      call.end();
    },
  });
  await expect(here.db.query("x")).rejects.toMatchObject({ code: "unknown_outcome" });
});

test.each([
  ["unknown_resource", status.NOT_FOUND],
  ["too_many_requests", status.RESOURCE_EXHAUSTED],
  ["audit_unavailable", status.UNAVAILABLE],
])("a failed call carries the sidecar's own code: %s", async (code, grpcStatus) => {
  await using here = await connected({
    execute: (_submit, call) => void call.emit("error", agent.failure(code, "What to do.", grpcStatus)),
  });
  await expect(here.db.query("x")).rejects.toMatchObject({ code, message: "What to do." });
  expect(here.service.executed).toHaveLength(1);
});

test("a code of a newer sidecar is not taken for one of ours", async () => {
  await using here = await connected({
    execute: (_submit, call) => void call.emit("error", agent.failure("new_kind", "Update.", status.ABORTED)),
  });
  await expect(here.db.query("x")).rejects.toMatchObject({ code: "internal", message: "Update." });
});

test("no sidecar: the error names the address and the command that starts one, and the call may be made again", async () => {
  await using cs = new Countersign({ address: "unix:///nonexistent/agent.sock" });
  const error = await cs
    .postgres("x")
    .query("x")
    .catch((reason) => reason);
  expect(error).toMatchObject({ code: "sidecar_unreachable", retryable: true });
  expect(error.message).toContain("unix:///nonexistent/agent.sock");
  expect(error.message).toContain("countersign up");
});

test.each(["http://x", "nonsense", "unix:relative", "db.example.org:1"])("the address %s is refused", (address) => {
  expect(() => new Countersign({ address })).toThrow(expect.objectContaining({ code: "invalid_request" }));
});

test("a token function is asked before every call; its failure sends nothing", async () => {
  let count = 0;
  await using here = await connected(twoRows, { token: async () => `token-${++count}` });
  await here.db.query("x");
  await here.db.query("x");
  expect(here.service.metadata.map((metadata) => metadata.get("authorization"))).toEqual([
    ["Bearer token-1"],
    ["Bearer token-2"],
  ]);
  await using broken = await connected(twoRows, { token: () => Promise.reject(new Error("vault down")) });
  await expect(broken.db.query("x")).rejects.toMatchObject({ code: "unauthenticated" });
  expect(broken.service.executed).toEqual([]);
});

test("timeout and abort stop the waiting; dropping the call tells the sidecar", async () => {
  const gone: Promise<unknown>[] = [];
  const held: Script = {
    execute(_submit, call) {
      gone.push(once(call, "cancelled"));
      call.write(numbered(0, decided(Effect.REVIEW), agent.pending));
    },
  };
  await using here = await connected(held);
  await expect(here.db.query("x", [], { timeout: 60 })).rejects.toMatchObject({ code: "timeout", requestId: agent.requestId });
  const abort = new AbortController();
  const query = here.db.query("x", [], {
    signal: abort.signal,
    onEvent: ({ type }) => type === "pending" && abort.abort("enough"),
  });
  await expect(query).rejects.toMatchObject({ code: "aborted", cause: "enough" });
  await Promise.all(gone);
  expect(gone).toHaveLength(2);
});

test("cancelOnAbort asks the sidecar to cancel", async () => {
  const cancelled = Promise.withResolvers<string>();
  await using here = await connected({
    execute: (_submit, call) => void call.write(numbered(0, decided(), executing)),
    unary: {
      cancel: (call, answer) => {
        cancelled.resolve(call.request.requestId);
        answer(null, { state: RequestState.EXECUTING });
      },
    },
  });
  const abort = new AbortController();
  const options = { signal: abort.signal, cancelOnAbort: true, onEvent: () => abort.abort() };
  await expect(here.db.query("x", [], options)).rejects.toMatchObject({ code: "aborted" });
  expect(await cancelled.promise).toBe(agent.requestId);
});

test("onEvent hears the story in order; what it throws ends the call", async () => {
  await using here = await connected({
    execute(_submit, call) {
      call.write(numbered(0, decided(Effect.REVIEW), agent.pending));
      call.write(numbered(2, agent.approved, executing, columns(["a", 25]), rows(["x"]), done("SELECT 1", { rows: 1 })));
      call.end();
    },
  });
  const types: string[] = [];
  await here.db.query("x", [], { onEvent: ({ type }) => types.push(type) });
  expect(types).toEqual(["decided", "pending", "approved", "executing", "done"]);
  const fails = () => {
    throw new Error("the page is gone");
  };
  await expect(here.db.query("x", [], { onEvent: fails })).rejects.toThrow("the page is gone");
});

test("close ends calls that wait, and later ones", async () => {
  await using here = await connected({ execute: (_submit, call) => void call.write(numbered(0, decided(), agent.pending)) });
  const query = here.db.query("x", [], { onEvent: ({ type }) => type === "pending" && void here.cs.close() });
  await expect(query).rejects.toMatchObject({ code: "aborted" });
  await expect(here.db.query("x")).rejects.toMatchObject({ code: "aborted" });
});

test("a stream gives rows as they come, then what ran", async () => {
  await using here = await connected(twoRows);
  const stream = here.db.stream<{ id: number; name: string | null }>("x");
  expect(here.service.executed).toEqual([]);
  const ids: number[] = [];
  for await (const row of stream) ids.push(row.id);
  expect(ids).toEqual([1, 2]);
  expect(stream.summary).toMatchObject({ command: "SELECT", rowCount: 2, requestId: agent.requestId });
  expect(await stream.next()).toEqual({ value: undefined, done: true });
  const arrays = here.db.stream("x", [], { rowMode: "array" });
  expect(await arrays.next()).toEqual({ value: [1, "a"], done: false });
});

test("a stream rejects once with the outcome's error, after the rows before it", async () => {
  await using here = await connected({
    execute(_submit, call) {
      call.write(numbered(0, decided(), executing, columns(["a", 25]), rows(["x"])));
      call.write(numbered(4, agent.ended(RequestState.FAILED, "limit_exceeded", "More than 1 row.")));
      call.end();
    },
  });
  const stream = here.db.stream("x");
  expect(await stream.next()).toEqual({ value: { a: "x" }, done: false });
  await expect(stream.next()).rejects.toMatchObject({ code: "limit_exceeded" });
  expect(await stream.next()).toEqual({ value: undefined, done: true });
});

test("a slow reader makes the sender wait, and leaving early ends the call", async () => {
  const chunk = rows(...Array.from({ length: 1000 }, (_, index) => [String(index), "x".repeat(60)]));
  let sent = 0;
  const gone = Promise.withResolvers<void>();
  await using here = await connected({
    execute(_submit, call) {
      call.once("cancelled", () => gone.resolve());
      call.write(numbered(0, decided(), executing, columns(["id", 23], ["text", 25])));
      const more = () => {
        while (sent < 5000 && !call.cancelled) if (!call.write(numbered(3 + sent++, chunk))) return void call.once("drain", more);
      };
      more();
    },
  });
  await using stream = here.db.stream<{ id: number }>("x");
  await stream.next();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const early = sent;
  // Five thousand chunks are 400 MB; what travels ahead of the reader is buffers of fixed size.
  expect(early).toBeLessThan(400);
  let read = 1;
  for await (const { id } of stream) {
    if (id !== read % 1000) throw new Error(`row ${read} is ${id}`);
    if (++read === 500_000) break;
  }
  expect(sent).toBeGreaterThan(early);
  await gone.promise;
});

test("a thousand calls at once leave nothing behind", async () => {
  await using here = await connected(twoRows);
  const abort = new AbortController();
  const options = { signal: abort.signal, timeout: "1h" };
  const results = await Promise.all(Array.from({ length: 1000 }, () => here.db.query("x", [], options)));
  expect(results.every(({ rowCount }) => rowCount === 2)).toBe(true);
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout");
  expect(timers.length).toBeLessThan(20);
  abort.abort();
});
