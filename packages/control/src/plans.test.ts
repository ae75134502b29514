import { join } from "node:path";
import { type Outcome, type RequestDraft, requestDigest } from "@countersign/policy";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { oneOf } from "../fixtures/drafts.ts";
import { planDraft } from "../fixtures/plan-drafts.ts";
import { alice, bob, openPlane } from "../fixtures/plane.ts";

type Plane = Awaited<ReturnType<typeof openPlane>>;

const done: Outcome = { state: "succeeded", rows: 0, bytes: 0, durationMs: 1, rowsAffected: 1 };
const failed: Outcome = {
  state: "failed",
  failure: { code: "target_error", message: "No.", retryable: false },
  rows: 0,
  bytes: 0,
  durationMs: 1,
};

const begin = (plane: Plane, { binding, requestDigest, sidecar }: RequestDraft, line: number) =>
  plane.requests.beginLine(binding.requestId, requestDigest, sidecar, line);
const end = (plane: Plane, { binding }: RequestDraft, line: number, outcome = done) =>
  plane.requests.endLine(binding.requestId, line, outcome);
const get = async (plane: Plane, { binding }: RequestDraft) => (await plane.approvals.get(binding.requestId)).request;

async function approvedPlan(struck: readonly number[] = [], draft?: (plane: Plane) => RequestDraft) {
  const plane = await openPlane();
  const request = await plane.requests.open(draft?.(plane) ?? planDraft(plane.now()));
  const attempt = { requestDigest: request.requestDigest, verdict: "approve", comment: "", struck } as const;
  await plane.approvals.vote(request.binding.requestId, attempt, alice);
  return { plane, request };
}

test("lines run in order, each once, and the plan ends with the last", async () => {
  const { plane, request } = await approvedPlan([1]);
  await expect(begin(plane, request, 2)).rejects.toMatchObject({ code: "out_of_order" });
  await expect(begin(plane, request, 1)).rejects.toMatchObject({ code: "denied" });
  const results = await Promise.allSettled([begin(plane, request, 0), begin(plane, request, 0), begin(plane, request, 0)]);
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  await expect(begin(plane, request, 2)).rejects.toMatchObject({ code: "out_of_order" });
  await end(plane, request, 0);
  await end(plane, request, 0);
  await expect(begin(plane, request, 0)).rejects.toMatchObject({ code: "not_pending" });
  await begin(plane, request, 2);
  await end(plane, request, 2);
  expect(await get(plane, request)).toMatchObject({
    ...{ state: "succeeded", outcome: { rowsAffected: 2, plan: { ran: [0, 2], struck: [1], notReached: [] } } },
  });
  await expect(begin(plane, request, 2)).rejects.toMatchObject({ code: "not_pending" });
  await expect(end(plane, request, 2, failed)).rejects.toMatchObject({ code: "not_cancellable" });
});

test("nothing else claims or settles a plan that is under way", async () => {
  const { plane, request } = await approvedPlan();
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "invalid_request" });
  await expect(plane.requests.beginLine(request.binding.requestId, request.requestDigest, "other", 0)).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(plane.requests.beginLine(request.binding.requestId, "sha256:0", request.sidecar, 0)).rejects.toMatchObject({
    code: "digest_mismatch",
  });
  await begin(plane, request, 0);
  const settle = plane.requests.settle(request.binding.requestId, { outcome: done, by: "sidecar", resultEvents: 0 });
  await expect(settle).rejects.toMatchObject({ code: "not_cancellable" });
  const single = await plane.open();
  await plane.vote(single);
  await expect(begin(plane, single, 0)).rejects.toMatchObject({ code: "invalid_request" });
});

test("a line that fails ends the plan", async () => {
  const { plane, request } = await approvedPlan();
  await begin(plane, request, 0);
  await end(plane, request, 0, failed);
  expect(await get(plane, request)).toMatchObject({ state: "failed", outcome: { failure: { code: "target_error" } } });
  await expect(begin(plane, request, 1)).rejects.toMatchObject({ code: "not_pending" });
});

test("revoked between lines it ends at once; while a line is at work with that line, also across a restart", async () => {
  const between = await approvedPlan();
  await begin(between.plane, between.request, 0);
  await end(between.plane, between.request, 0);
  await between.plane.revoking.request(between.request.binding.requestId, bob, "wrong month");
  expect((await get(between.plane, between.request)).state).toBe("failed");
  await expect(begin(between.plane, between.request, 1)).rejects.toMatchObject({ code: "revoked" });

  const { plane, request } = await approvedPlan();
  await begin(plane, request, 0);
  await plane.revoking.request(request.binding.requestId, bob, "wrong month");
  expect((await get(plane, request)).state).toBe("executing");
  await plane.close();
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  await expect(begin(again, request, 1)).rejects.toMatchObject({ code: "revoked" });
  await end(again, request, 0);
  expect(await get(again, request)).toMatchObject({ state: "failed", outcome: { failure: { code: "revoked" } } });
});

test("a lock on any of its resources, on its caller or on its approver stops it", async () => {
  const both = (plane: Plane) => planDraft(plane.now(), ["orders-db", "billing-db"]);
  for (const target of [
    { type: "resource", resource: "billing-db" },
    { type: "principal", issuer: "countersign-development", subject: "agent" },
    { type: "approver", subject: "alice" },
  ] as const) {
    const { plane, request } = await approvedPlan([], both);
    await begin(plane, request, 0);
    await end(plane, request, 0);
    await plane.revoking.lock(target, bob, "incident");
    expect((await get(plane, request)).state).toBe("failed");
    await expect(begin(plane, request, 1)).rejects.toMatchObject({ code: "revoked" });
  }
  const plane = await openPlane();
  await plane.revoking.lock({ type: "resource", resource: "billing-db" }, bob, "incident");
  await expect(plane.requests.open(both(plane))).rejects.toMatchObject({ code: "revoked" });
});

test("its validity is for the whole: between lines it runs out, and a line at work may end", async () => {
  const { plane, request } = await approvedPlan();
  await begin(plane, request, 0);
  plane.clock.pass(400_000);
  expect((await get(plane, request)).state).toBe("executing");
  await end(plane, request, 0);
  await expect(begin(plane, request, 1)).rejects.toMatchObject({ code: "expired" });
  expect(await get(plane, request)).toMatchObject({ state: "failed", outcome: { plan: { ran: [0], notReached: [1, 2] } } });

  const idle = await approvedPlan();
  await begin(idle.plane, idle.request, 0);
  await end(idle.plane, idle.request, 0);
  idle.plane.clock.pass(400_000);
  await expect.poll(async () => (await get(idle.plane, idle.request)).state).toBe("failed");
});

test("several stages: what any of them strikes is out, and all see it", async () => {
  const stages = { requirements: [{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 2 }] }] };
  const { plane, request } = await approvedPlan([0], (one) => planDraft(one.now(), undefined, stages));
  expect((await get(plane, request)).state).toBe("pending");
  const vote = (struck: readonly number[]) =>
    plane.approvals.vote(
      request.binding.requestId,
      { requestDigest: request.requestDigest, verdict: "approve", comment: "", struck },
      bob,
    );
  await expect(vote([1, 2])).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("Deny the plan"),
  });
  await vote([2, 2]);
  await expect(begin(plane, request, 0)).rejects.toMatchObject({ code: "denied" });
  await begin(plane, request, 1);
  await end(plane, request, 1);
  expect((await get(plane, request)).state).toBe("succeeded");
});

test("a denial does not strike, and a single action has no lines", async () => {
  const plane = await openPlane();
  const request = await plane.requests.open(planDraft(plane.now()));
  const attempt = { requestDigest: request.requestDigest, comment: "" };
  const cast = (id: string, digest: string, verdict: "approve" | "deny", struck: readonly number[]) =>
    plane.approvals.vote(id, { ...attempt, requestDigest: digest, verdict, struck }, alice);
  const { requestId } = request.binding;
  for (const [verdict, struck] of [
    ["deny", [0]],
    ["approve", [3]],
    ["approve", [-1]],
    ["approve", [0.5]],
  ] as const) {
    await expect(cast(requestId, request.requestDigest, verdict, struck)).rejects.toMatchObject({ code: "invalid_request" });
  }
  const single = await plane.open();
  await expect(cast(single.binding.requestId, single.requestDigest, "approve", [0])).rejects.toMatchObject({
    code: "invalid_request",
  });
  expect(plane.log.summary().filter((one) => one === "vote refused: invalid_request")).toHaveLength(5);
});

test.each<[string, (draft: RequestDraft) => Partial<RequestDraft>]>([
  ["a line more than was decided on", ({ decision }) => ({ decision: { ...decision, lines: decision.lines?.slice(1) ?? [] } })],
  ["less asked for than its lines ask for", ({ decision }) => ({ decision: { ...decision, ...approvedBy("group:leads") } })],
  [
    "another role than was decided",
    ({ action }) => ({ action: { ...action, lines: (action.lines ?? []).map((one) => ({ ...one, role: "admin" })) } }),
  ],
  [
    "other limits than were decided",
    ({ action }) => ({ action: { ...action, lines: (action.lines ?? []).map((one) => ({ ...one, limits: {} })) } }),
  ],
  ["another resource than its lines have", ({ action }) => ({ action: { ...action, resource: "billing-db" } })],
])("a draft with %s is refused", async (_, change) => {
  const plane = await openPlane();
  const whole = { ...planDraft(plane.now()), ...change(planDraft(plane.now())) };
  const { actionDigest } = await import("@countersign/policy");
  const binding = { ...whole.binding, actionDigest: actionDigest(whole.action) };
  const draft = { ...whole, binding, requestDigest: requestDigest(binding) };
  await expect(plane.requests.open(draft)).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("lines"),
  });
});

test("how far a plan has come is sealed: a forged or a foreign course opens nothing", async () => {
  const { plane, request } = await approvedPlan();
  const other = await plane.requests.open(planDraft(plane.now()));
  const attempt = { requestDigest: other.requestDigest, verdict: "approve", comment: "" } as const;
  await plane.approvals.vote(other.binding.requestId, attempt, alice);
  await begin(plane, request, 0);
  await end(plane, request, 0);
  await plane.close();
  const db = new Database(join(plane.folder, "control.db"));
  db.prepare("update requests set course = (select course from requests where id = ?) where id = ?").run(
    request.binding.requestId,
    other.binding.requestId,
  );
  db.close();
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  await expect(begin(again, other, 1)).rejects.toMatchObject({ code: "internal" });
});

test("a plan that is in doubt is cleared up by a person: it has ended, and does not go on", async () => {
  const { plane, request } = await approvedPlan();
  await begin(plane, request, 0);
  const doubt: Outcome = { ...failed, state: "unknown", failure: { code: "unknown_outcome", message: "?", retryable: false } };
  await end(plane, request, 0, doubt);
  expect((await get(plane, request)).state).toBe("unknown");
  await plane.resolving.resolve(request.binding.requestId, bob, true, "The row is there.");
  expect(await get(plane, request)).toMatchObject({ state: "failed", course: { begun: [{ line: 0, state: "succeeded" }] } });
  await expect(begin(plane, request, 1)).rejects.toMatchObject({ name: "CountersignError" });
});

function approvedBy(name: string) {
  return {
    approval: { requirements: oneOf(name), expiresMs: 3_600_000, validForMs: 300_000, justification: "optional" },
  } as const;
}
