import { Effect, RequestState, type SubmitResponse } from "@countersign/rpc";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import * as agent from "./testing-agent.ts";
import { connected, type Script } from "./testing-agent.ts";

const { numbered, pending, approved, executing, columns, rows, done } = agent;
const action = {
  kind: "postgres.query",
  resource: "orders-db",
  statement: "delete from orders where id = $1",
  parameters: [7],
} as const;

const opened: SubmitResponse = {
  requestId: agent.requestId,
  actionDigest: agent.actionDigest,
  state: RequestState.PENDING,
  approvalUrl: "http://127.0.0.1:1/requests/x",
  decision: undefined,
};

/** A request that was held, approved and run. */
const story: Script = {
  submit: () => opened,
  watch(_request, call) {
    call.write(numbered(1, pending));
    call.write(numbered(2, approved, executing, columns(["id", 23]), rows(["7"]), rows(["8"]), done("DELETE 2", { rows: 2 })));
    call.end();
  },
};

test("a submitted action has an id, a digest and a place where it can be approved", async () => {
  await using here = await connected(story, { session: "run-42" });
  const handle = await here.cs.submit(action, { reason: "duplicate", idempotencyKey: "dup-7" });
  expect(handle).toMatchObject({
    id: agent.requestId,
    digest: agent.actionDigest,
    status: "pending",
    approvalUrl: opened.approvalUrl,
  });
  expect(here.service.submitted).toEqual([
    expect.objectContaining({ resource: "orders-db", reason: "duplicate", idempotencyKey: "dup-7", session: "run-42" }),
  ]);
});

test("result gives the outcome with its rows; the handle has then seen the end", async () => {
  await using here = await connected(story);
  const handle = await here.cs.submit(action);
  const outcome = await handle.result<{ id: number }>({ timeout: "50s" });
  expect(outcome).toMatchObject({
    state: "succeeded",
    rows: [{ id: 7 }, { id: 8 }],
    command: "DELETE",
    digest: agent.actionDigest,
  });
  expect(outcome.resultGone).toBe(false);
  expect(handle.status).toBe("succeeded");
});

test("events tell the whole story, rows among them", async () => {
  await using here = await connected(story);
  const handle = await here.cs.submit(action);
  const told: unknown[] = [];
  for await (const event of handle.events()) told.push(event.type === "rows" ? event.rows : event.type);
  expect(told).toEqual(["pending", "approved", "executing", [{ id: 7 }], [{ id: 8 }], "done"]);
});

test.each([
  [RequestState.DENIED, "denied"],
  [RequestState.EXPIRED, "expired"],
  [RequestState.CANCELLED, "cancelled"],
  [RequestState.REVOKED, "revoked"],
  [RequestState.UNKNOWN, "unknown"],
])("a decision is an outcome, not an error of result (%i)", async (state, name) => {
  await using here = await connected({
    submit: () => opened,
    watch(_request, call) {
      call.write(numbered(1, pending, agent.ended(state, name === "unknown" ? "unknown_outcome" : name, "Why.")));
      call.end();
    },
  });
  const outcome = await (await here.cs.submit(action)).result();
  expect(outcome).toMatchObject({ state: name, rows: [], error: { message: "Why.", requestId: agent.requestId } });
});

test("what policy denies at once has no request: the handle says so, and there is nothing to cancel", async () => {
  const decision = {
    effect: Effect.DENY,
    rules: [],
    role: "",
    limits: undefined,
    message: "Ask Ann.",
    policyDigest: "",
    opaque: false,
  };
  await using here = await connected({
    submit: () => ({ ...opened, requestId: "", actionDigest: "", approvalUrl: "", state: RequestState.DENIED, decision }),
  });
  const handle = await here.cs.submit(action);
  expect(handle.status).toBe("denied");
  expect(await handle.result()).toMatchObject({ state: "denied", error: { code: "denied", message: "Ask Ann." } });
  const types: string[] = [];
  for await (const { type } of handle.events()) types.push(type);
  expect(types).toEqual(["done"]);
  await expect(handle.cancel()).rejects.toMatchObject({ code: "not_cancellable" });
  expect(here.service.watched).toEqual([]);
});

test("a result that is no longer kept is told as such", async () => {
  await using here = await connected({
    submit: () => opened,
    watch(_request, call) {
      call.write(numbered(1, pending, approved, executing, done("SELECT 9", { rows: 9 })));
      call.end();
    },
  });
  expect(await (await here.cs.submit(action)).result()).toMatchObject({
    state: "succeeded",
    rowCount: 9,
    rows: [],
    resultGone: true,
  });
});

test("after a crash the id is enough", async () => {
  await using here = await connected(story);
  const handle = await here.cs.request(agent.requestId);
  expect(handle).toMatchObject({ id: agent.requestId, status: "pending" });
  expect(handle.approvalUrl).not.toBe("");
  expect(await handle.result()).toMatchObject({ state: "succeeded" });
  expect(here.service.watched).toEqual([
    { requestId: agent.requestId, afterSequence: 0 },
    { requestId: agent.requestId, afterSequence: 0 },
  ]);
});

test("an id that is not the caller's is not found", async () => {
  await using here = await connected({
    watch: (_request, call) => void call.emit("error", agent.failure("not_found", "You have no such request.", status.NOT_FOUND)),
  });
  await expect(here.cs.request("req_other")).rejects.toMatchObject({ code: "not_found" });
});

test("a submit whose connection breaks is delivered again under one key, also where the caller gave none", async () => {
  await using here = await connected({
    submit() {
      if (here.service.submitted.length > 1) return opened;
      here.service.down();
      void here.service.up();
      throw new Error("nobody hears this");
    },
  });
  expect((await here.cs.submit(action)).id).toBe(agent.requestId);
  const [first, second] = here.service.submitted.map(({ idempotencyKey }) => idempotencyKey);
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(second).toBe(first);
});

test("a sidecar that is not there is told at once, not waited for", async () => {
  await using here = await connected(story);
  here.service.down();
  await expect(here.cs.submit(action)).rejects.toMatchObject({ code: "sidecar_unreachable", retryable: true });
  await expect(here.cs.request(agent.requestId)).rejects.toMatchObject({ code: "sidecar_unreachable", retryable: true });
});

test("who stops waiting leaves the request as it is", async () => {
  await using here = await connected({ submit: () => opened, watch: (_request, call) => void call.write(numbered(1, pending)) });
  const handle = await here.cs.submit(action);
  await expect(handle.result({ timeout: 50 })).rejects.toMatchObject({
    code: "timeout",
    message: expect.stringContaining("goes on"),
  });
  for await (const { type } of handle.events()) if (type === "pending") break;
  expect(handle.status).toBe("pending");
});

test("cancel gives the state after it", async () => {
  const asked: string[] = [];
  await using here = await connected({
    submit: () => opened,
    unary: {
      cancel(call, answer) {
        asked.push(call.request.requestId);
        if (asked.length === 1) answer(null, { state: RequestState.CANCELLED });
        else answer(agent.failure("not_cancellable", "The request has ended.", status.FAILED_PRECONDITION));
      },
    },
  });
  const handle = await here.cs.submit(action);
  expect(await handle.cancel()).toBe("cancelled");
  expect(handle.status).toBe("cancelled");
  await expect(handle.cancel()).rejects.toMatchObject({ code: "not_cancellable" });
});

test("resources are listed without what they are made of", async () => {
  const resource = {
    name: "orders-db",
    type: "postgres",
    labels: { env: "prod" },
    roles: ["reader"],
    searchPath: ["public"],
    origin: "",
    httpApi: undefined,
  };
  await using here = await connected({ unary: { listResources: (_call, answer) => answer(null, { resources: [resource] }) } });
  expect(await here.cs.resources()).toEqual([
    { name: "orders-db", type: "postgres", labels: { env: "prod" }, roles: ["reader"] },
  ]);
});
