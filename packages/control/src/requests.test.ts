import { type RequestEvent, requestDigest } from "@countersign/policy";
import { expect, test } from "vitest";
import { draft } from "../fixtures/drafts.ts";
import { alice, bob, openPlane } from "../fixtures/plane.ts";

const outcome = (state: "succeeded" | "failed" | "unknown" | "cancelled" | "revoked" | "denied" | "expired") =>
  ({ state, rows: 0, rowsAffected: 1, bytes: 0, durationMs: 1 }) as const;
const never = new AbortController().signal;

type Plane = Awaited<ReturnType<typeof openPlane>>;
const settle = (plane: Plane, id: string, state: Parameters<typeof outcome>[0], resultEvents = 0) =>
  plane.requests.settle(id, { outcome: outcome(state), by: "sidecar", resultEvents });

async function collect(events: AsyncIterable<RequestEvent>): Promise<string[]> {
  const seen = [];
  for await (const event of events) seen.push(`${event.sequence} ${event.type}`);
  return seen;
}

test("a review opens pending, an allow opens approved and needs no vote", async () => {
  const plane = await openPlane();
  expect(await plane.open()).toMatchObject({ state: "pending", sequence: 1, changedBy: "agent", votes: [] });
  const allowed = await plane.open({ allow: true });
  expect(allowed).toMatchObject({ state: "approved", validUntilMs: plane.now() + 300_000, changedBy: "policy" });
  expect(await plane.claim(allowed)).toMatchObject({ state: "executing" });
  expect(plane.log.records[0]).toMatchObject({
    type: "request",
    action: expect.stringMatching(/^sha256:/),
    principal: { subject: "agent" },
  });
  expect(Buffer.from(plane.log.records[0]?.payload ?? []).toString()).toContain("delete from orders");
});

test("a draft that is not what it says is refused", async () => {
  const plane = await openPlane();
  const good = draft({ nowMs: plane.now() });
  const bound = (binding: Partial<typeof good.binding>) => {
    const changed = { ...good.binding, ...binding };
    return { ...good, binding: changed, requestDigest: requestDigest(changed) };
  };
  const { expiry } = good.binding;
  const bad = [
    { ...good, action: { ...good.action, role: "admin" } },
    { ...good, action: { ...good.action, operation: { ...good.action.operation, parameters: [{ text: "8" }] } } },
    { ...good, requestDigest: `sha256:${"0".repeat(64)}` as const },
    { ...good, decision: { ...good.decision, limits: { rows: 2_000_000 } } },
    bound({ requestId: "../etc" }),
    bound({ policyDigest: `sha256:${"1".repeat(64)}` }),
    bound({ limits: {} }),
    bound({ expiry: { ...expiry, pendingUntilMs: plane.now() } }),
    bound({ expiry: { ...expiry, pendingUntilMs: plane.now() + 3_600_000 + 61_000 } }),
    bound({ expiry: { ...expiry, pendingUntilMs: 1e300 } }),
    bound({ expiry: { ...expiry, validForMs: 300_001 } }),
    bound({ expiry: { ...expiry, validForMs: 0 } }),
  ];
  for (const one of bad) await expect(plane.requests.open(one)).rejects.toMatchObject({ code: "invalid_request" });
  const nobody = draft({ nowMs: plane.now(), approval: { requirements: [] } });
  await expect(plane.requests.open(nobody)).rejects.toMatchObject({ code: "invalid_request" });
  expect(plane.log.records).toEqual([]);
  await plane.requests.open(good);
  await expect(plane.requests.open(good)).rejects.toMatchObject({ code: "invalid_request" });
});

test("the same idempotency key gives the same request, also when asked for at once; another action is a conflict", async () => {
  const plane = await openPlane();
  const same = await Promise.all(Array.from({ length: 20 }, () => plane.open({ idempotencyKey: "k" })));
  expect(new Set(same.map((one) => one.binding.requestId)).size).toBe(1);
  expect(plane.log.summary()).toEqual(["request pending"]);
  await expect(plane.open({ idempotencyKey: "k", statement: "delete from customers" })).rejects.toMatchObject({
    code: "idempotency_conflict",
    requestId: same[0]?.binding.requestId,
  });
  expect(await plane.open({ idempotencyKey: "k", subject: "another" })).not.toEqual(same[0]);
});

test("of a hundred claims at once, one wins", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request);
  const claims = await Promise.allSettled(Array.from({ length: 100 }, () => plane.claim(request)));
  expect(claims.filter((one) => one.status === "fulfilled")).toHaveLength(1);
  for (const one of claims) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "not_pending" });
  expect(plane.log.summary().filter((one) => one === "approved -> executing")).toHaveLength(1);
});

test("a claim is for what was approved, by the sidecar that opened it, in the right state", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const { requestId: id } = request.binding;
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "not_pending" });
  await plane.vote(request);
  await expect(plane.requests.claim(id, `sha256:${"0".repeat(64)}`, "local")).rejects.toMatchObject({ code: "digest_mismatch" });
  await expect(plane.requests.claim(id, request.requestDigest, "other")).rejects.toMatchObject({ code: "not_found" });
  await expect(plane.requests.claim("req_none", request.requestDigest, "local")).rejects.toMatchObject({ code: "not_found" });
  await settle(plane, id, "revoked");
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "revoked" });
  const cancelled = await plane.open();
  await settle(plane, cancelled.binding.requestId, "cancelled");
  await expect(plane.claim(cancelled)).rejects.toMatchObject({ code: "cancelled" });
});

test("a request is settled as the table lets it, and a doubt can be resolved once", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const { requestId: id } = request.binding;
  for (const state of ["succeeded", "failed", "unknown", "revoked", "denied", "expired"] as const) {
    await expect(settle(plane, id, state)).rejects.toMatchObject({ code: "not_cancellable" });
  }
  await plane.vote(request);
  await plane.claim(request);
  await expect(settle(plane, id, "cancelled")).rejects.toMatchObject({ code: "not_cancellable" });
  expect(await settle(plane, id, "unknown", 3)).toMatchObject({ state: "unknown", sequence: 8 });
  expect(await settle(plane, id, "unknown")).toMatchObject({ state: "unknown", sequence: 8 });
  expect(await settle(plane, id, "succeeded")).toMatchObject({ state: "succeeded", outcome: { rowsAffected: 1 } });
  await expect(settle(plane, id, "failed")).rejects.toMatchObject({ code: "not_cancellable" });
  expect(plane.log.summary().slice(-3)).toEqual(["approved -> executing", "executing -> unknown", "unknown -> succeeded"]);
  const { history } = await plane.approvals.get(id);
  expect(history.map(({ state, by }) => `${state} by ${by}`)).toEqual([
    "pending by agent",
    "approved by alice",
    "executing by sidecar",
    "unknown by sidecar",
    "succeeded by sidecar",
  ]);
});

test("watching gives what happened and what happens, once each and in order, and ends", async () => {
  const plane = await openPlane();
  const request = await plane.open({
    approval: { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }] },
  });
  const { requestId: id } = request.binding;
  const early = collect(plane.requests.watch(id, 0, never));
  await plane.vote(request, alice);
  const between = collect(plane.requests.watch(id, 1, never));
  await plane.vote(request, bob);
  await plane.claim(request);
  await settle(plane, id, "succeeded", 2);
  const all = ["1 pending", "2 vote", "3 vote", "4 approved", "5 executing", "8 ended"];
  expect(await early).toEqual(all);
  expect(await between).toEqual(all.slice(1));
  expect(await collect(plane.requests.watch(id, 0, never))).toEqual(all);
  expect(await collect(plane.requests.watch(id, 8, never))).toEqual([]);
});

test("a watch ends with its signal and with the control plane, and fails for an unknown request", async () => {
  const plane = await openPlane();
  const { requestId: id } = (await plane.open()).binding;
  const leaving = new AbortController();
  const left = collect(plane.requests.watch(id, 0, leaving.signal));
  const stays = collect(plane.requests.watch(id, 0, never));
  leaving.abort();
  expect((await left).length).toBeLessThan(2);
  await expect(collect(plane.requests.watch("req_none", 0, never))).rejects.toMatchObject({ code: "not_found" });
  await plane.close();
  expect((await stays).length).toBeLessThan(2);
});

test("a thousand watchers each see their own request, and wake for nothing else", async () => {
  const plane = await openPlane();
  const requests = await Promise.all(Array.from({ length: 1000 }, () => plane.open()));
  const watches = requests.map((one) => collect(plane.requests.watch(one.binding.requestId, 0, never)));
  await Promise.all(requests.map((one) => plane.vote(one, alice, "deny")));
  for (const seen of await Promise.all(watches)) expect(seen).toEqual(["1 pending", "2 vote", "3 ended"]);
});

test("what is pending, approved or executing is so after a restart; votes and permits too", async () => {
  const first = await openPlane();
  const pending = await first.open();
  const approved = await first.open();
  const executing = await first.open();
  await first.vote(approved);
  await first.vote(executing);
  await first.claim(executing);
  const before = await first.requests.list({ unfinishedOf: "local" });
  expect(before).toHaveLength(3);
  await first.close();
  const second = await openPlane(first.folder, first.clock, first.log);
  expect(await second.requests.list({ unfinishedOf: "local" })).toEqual(before);
  expect(await second.requests.list({ unfinishedOf: "other" })).toEqual([]);
  await expect(second.claim(executing)).rejects.toMatchObject({ code: "not_pending" });
  expect(await second.claim(approved)).toMatchObject({ state: "executing" });
  expect(await second.vote(pending)).toMatchObject({ state: "approved" });
});
