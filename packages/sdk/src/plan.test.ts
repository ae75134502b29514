import { Effect, type ExecuteLineRequest, type PlanStatus, RequestState, type SubmitPlanRequest } from "@countersign/rpc";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import type { PostgresQueryAction } from "./action.ts";
import {
  actionDigest,
  approved,
  columns,
  connected,
  decided,
  done,
  ended,
  executing,
  failure,
  numbered,
  pending,
  queryOf,
  requestId,
  rows,
  type Script,
} from "./testing-agent.ts";

const actions: readonly PostgresQueryAction[] = ["a", "b", "c"].map((table) => ({
  ...{ kind: "postgres.query", resource: "orders-db", statement: `update ${table} set n = $1`, parameters: [1] },
}));

/** A sidecar with one plan, whose lines run as they are asked for. */
function sidecar(state: RequestState, struck: readonly number[] = [], more: Partial<Script> = {}) {
  const submitted: SubmitPlanRequest[] = [];
  const ran: ExecuteLineRequest[] = [];
  const plan: PlanStatus = { requestId, actionDigest, state, approvalUrl: "http://x/y", lines: [], error: undefined };
  const limits = { rows: 0, bytes: 0, timeMs: 0 };
  const decision = {
    effect: Effect.REVIEW,
    rules: [],
    role: "writer",
    limits,
    message: "",
    policyDigest: "sha256:00",
    opaque: false,
  };
  const script: Script = {
    unary: {
      submitPlan: (call, answer) => {
        submitted.push(call.request);
        const open = { state: RequestState.APPROVED, outcome: undefined };
        plan.lines = call.request.lines.map((action, index) => ({ ...open, action, struck: struck.includes(index) }));
        answer(null, { plan, decision });
      },
      getPlan: (_call, answer) => answer(null, { plan }),
    },
    line: (request, call) => {
      ran.push(request);
      const line = plan.lines[request.index];
      if (line !== undefined) line.state = RequestState.SUCCEEDED;
      call.write(
        numbered(
          0,
          decided(Effect.REVIEW),
          executing,
          columns(["n", 23]),
          rows([`${request.index}`]),
          done("UPDATE 1", { rows: 1 }),
        ),
      );
      call.end();
    },
    ...more,
  };
  return { script, submitted, ran, plan };
}

/** Approves it once somebody waits. */
const approving = (of: ReturnType<typeof sidecar>): Script => ({
  ...of.script,
  watch: (_request, call) => {
    of.plan.state = RequestState.APPROVED;
    call.write(numbered(0, decided(Effect.REVIEW), pending, approved));
  },
});

test("a plan is asked for once, with all its lines; runAll runs what is left, in order, and gives each result", async () => {
  const of = sidecar(RequestState.PENDING, [1]);
  await using agent = await connected(approving(of), { session: "run-1" });
  const plan = await agent.cs.plan(actions, { reason: "month end" });
  expect(of.submitted).toMatchObject([{ reason: "month end", session: "run-1", idempotencyKey: expect.stringMatching(/.{16}/) }]);
  expect(plan).toMatchObject({ id: requestId, digest: actionDigest, state: "pending", approvalUrl: "http://x/y" });
  expect(plan.lines[1]).toMatchObject({
    ...{ index: 1, struck: true, operation: { statement: "update b set n = $1", parameters: ["1"] } },
  });
  const outcomes = [];
  for await (const outcome of plan.runAll()) outcomes.push([outcome.index, outcome.state, outcome.rows]);
  expect(outcomes).toEqual([
    [0, "succeeded", [{ n: 0 }]],
    [2, "succeeded", [{ n: 2 }]],
  ]);
  expect(of.ran.map(({ index, action }) => [index, queryOf(action)?.statement])).toEqual([
    [0, "update a set n = $1"],
    [2, "update c set n = $1"],
  ]);
});

test("an action is sent as it is: the same as a line is that line, another is left to the sidecar to refuse", async () => {
  const of = sidecar(RequestState.APPROVED);
  await using agent = await connected(of.script);
  const plan = await agent.cs.plan(actions);
  const [first, second] = actions;
  if (first === undefined || second === undefined) throw new Error("there are actions");
  await plan.run(second);
  await plan.run({ ...first, parameters: [2] });
  expect(of.ran.map(({ index, action }) => [index, queryOf(action)?.parameters[0]?.value?.value])).toEqual([
    [1, "1"],
    [0, "2"],
  ]);
});

test("a refusal is thrown, a failed line is an outcome and ends runAll", async () => {
  const of = sidecar(RequestState.APPROVED);
  await using agent = await connected({
    ...approving(of),
    line: ({ index }, call) => {
      if (index === 1) call.emit("error", failure("out_of_order", "Line 1 comes before line 2.", status.FAILED_PRECONDITION));
      else {
        call.write(numbered(0, executing, ended(RequestState.FAILED, "target_error", "duplicate key", "23505")));
        call.end();
      }
    },
  });
  const plan = await agent.cs.plan(actions);
  await expect(plan.run(1)).rejects.toMatchObject({ code: "out_of_order", retryable: false });
  const states = [];
  for await (const { state, error } of plan.runAll()) states.push([state, error?.targetCode]);
  expect(states).toEqual([["failed", "23505"]]);
});

test("a line whose connection breaks is never sent again; the plan says what became of it", async () => {
  const of = sidecar(RequestState.APPROVED);
  let calls = 0;
  await using agent = await connected({
    ...of.script,
    line: (_request, call) => {
      calls++;
      call.write(numbered(0, decided(Effect.REVIEW), executing));
      setTimeout(() => agent.service.down(), 50);
    },
  });
  const plan = await agent.cs.plan(actions);
  await expect(plan.run(0)).rejects.toMatchObject({ code: "sidecar_unreachable", retryable: false, requestId });
  await agent.service.up();
  expect((await agent.cs.plan(requestId)).lines[0]).toMatchObject({ state: "approved" });
  expect(calls).toBe(1);
});

test("a plan that policy denies says why, and asks for nothing more", async () => {
  const of = sidecar(RequestState.DENIED);
  const message = "Line 2: Denied by the rule never.";
  await using agent = await connected({
    unary: {
      submitPlan: (_call, answer) =>
        answer(null, {
          plan: undefined,
          decision: {
            ...{ effect: Effect.DENY, rules: ["never"], role: "", policyDigest: "", opaque: false, message },
            limits: { rows: 0, bytes: 0, timeMs: 0 },
          },
        }),
    },
  });
  const plan = await agent.cs.plan(actions);
  expect(plan).toMatchObject({ id: "", state: "denied" });
  for (const call of [() => plan.approved(), () => plan.run(0), () => plan.cancel()]) {
    await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/^denied$|^not_cancellable$/) });
  }
  expect(of.ran).toEqual([]);
});

test("whoever waits for a plan that ends otherwise is told how", async () => {
  const of = sidecar(RequestState.PENDING);
  await using agent = await connected({
    ...of.script,
    watch: (_request, call) => {
      of.plan.state = RequestState.EXPIRED;
      of.plan.error = { code: "expired", message: "Nobody approved it in time.", requestId, retryable: false, targetCode: "" };
      call.write(numbered(0, decided(Effect.REVIEW), pending, ended(RequestState.EXPIRED, "expired", "Late.")));
      call.end();
    },
  });
  const plan = await agent.cs.plan(actions);
  await expect(plan.approved()).rejects.toMatchObject({ code: "expired", requestId });
  expect(plan.state).toBe("expired");
});

test("what cannot be a line is not sent", async () => {
  await using agent = await connected({});
  await expect(async () =>
    agent.cs.plan([{ kind: "postgres.query", resource: "orders-db", statement: "" }]),
  ).rejects.toMatchObject({
    code: "invalid_operation",
  });
});
