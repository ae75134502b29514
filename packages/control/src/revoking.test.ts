import type { Revocation } from "@countersign/policy";
import { expect, test, vi } from "vitest";
import { oneOf } from "../fixtures/drafts.ts";
import { alice, bob, carol, openPlane } from "../fixtures/plane.ts";

type Plane = Awaited<ReturnType<typeof openPlane>>;

const agent = { type: "principal", issuer: "countersign-development", subject: "agent" } as const;
const database = { type: "resource", resource: "orders-db" } as const;

/** What live work would be told. */
function told(plane: Plane): Revocation[] {
  const heard: Revocation[] = [];
  plane.revocations.onRevoked((revocation) => heard.push(revocation));
  return heard;
}

test("ap-revoke: an approved request that is revoked is not claimed, also after a restart", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request);
  expect(await plane.revoking.request(request.binding.requestId, bob, "wrong table")).toMatchObject({
    state: "revoked",
    outcome: { failure: { code: "revoked", message: "Revoked by bob: wrong table" } },
  });
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "revoked" });
  await plane.close();
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  await expect(again.claim(request)).rejects.toMatchObject({ code: "revoked" });
  expect(plane.log.summary()).toEqual(["request pending", "vote", "pending -> approved", "revocation", "approved -> revoked"]);
});

test("a pending request that is revoked is cancelled; one that runs is told to stop, and what has ended stays", async () => {
  const plane = await openPlane();
  const heard = told(plane);
  const pending = await plane.open();
  expect(await plane.revoking.request(pending.binding.requestId, bob, "no")).toMatchObject({ state: "cancelled" });
  const running = await plane.open();
  await plane.vote(running);
  await plane.claim(running);
  expect(await plane.revoking.request(running.binding.requestId, bob, "no")).toMatchObject({ state: "executing" });
  expect(heard).toEqual([{ type: "request", requestId: running.binding.requestId }]);
  await expect(plane.revoking.request(pending.binding.requestId, bob, "again")).rejects.toMatchObject({ code: "not_pending" });
  await expect(plane.revoking.request(running.binding.requestId, bob, " ")).rejects.toMatchObject({ code: "reason_required" });
});

test.each([["caller", agent] as const, ["resource", database] as const])(
  "ap-revoke: a locked %s: what waits ends, what runs is told to stop, nothing new is taken, across a restart, until it is lifted",
  async (_, target) => {
    const plane = await openPlane();
    const heard = told(plane);
    const [pending, approved, running] = [await plane.open(), await plane.open(), await plane.open()];
    await plane.vote(approved);
    await plane.vote(running);
    await plane.claim(running);
    const lock = await plane.revoking.lock(target, bob, "it went mad");
    await vi.waitFor(async () =>
      expect(await Promise.all([pending, approved, running].map((one) => plane.state(one)))).toEqual([
        "cancelled",
        "revoked",
        "executing",
      ]),
    );
    expect(heard).toEqual([target, { type: "request", requestId: running.binding.requestId }]);
    await expect(plane.open()).rejects.toMatchObject({ code: "revoked" });
    expect(plane.revocations.refusal(running.action)).toMatch(/is locked/);
    expect(await plane.revoking.lock(target, carol, "me too")).toEqual(lock);
    await plane.close();
    const again = await openPlane(plane.folder, plane.clock, plane.log);
    expect(again.revoking.locks()).toEqual([lock]);
    await expect(again.open()).rejects.toMatchObject({ code: "revoked" });
    await again.revoking.lift(lock.id, carol, "mended");
    expect(again.revoking.locks()).toEqual([]);
    expect((await again.open()).state).toBe("pending");
    await expect(again.revoking.lift(lock.id, carol, "twice")).rejects.toMatchObject({ code: "not_found" });
    expect(plane.log.summary().filter((one) => one === "lock")).toHaveLength(2);
  },
);

test("a lock on one caller or resource leaves others be", async () => {
  const plane = await openPlane();
  await plane.revoking.lock({ ...agent, subject: "other" }, bob, "x");
  await plane.revoking.lock({ ...agent, issuer: "https://elsewhere" }, bob, "x");
  await plane.revoking.lock({ type: "resource", resource: "billing-db" }, bob, "x");
  expect((await plane.open()).state).toBe("pending");
});

test("a locked approver: their yes ceases to count, what lives by it alone is revoked, and they can do nothing", async () => {
  const plane = await openPlane();
  const two = [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }];
  const waiting = await plane.open({ approval: { requirements: two } });
  const alone = await plane.open();
  const others = await plane.open({ approval: { requirements: oneOf("user:bob") } });
  await plane.vote(waiting, alice);
  await plane.vote(alone, alice);
  await plane.vote(others, bob);
  await plane.revoking.lock({ type: "approver", subject: "alice" }, bob, "stolen laptop");
  await vi.waitFor(async () => expect(await plane.state(alone)).toBe("revoked"));
  expect(await plane.state(others)).toBe("approved");
  expect(await plane.vote(waiting, bob)).toMatchObject({ state: "pending" });
  const next = await plane.open();
  await expect(plane.vote(next, alice)).rejects.toMatchObject({ code: "approver_locked" });
  await expect(plane.vote(next, { ...alice, subject: "ali", accounts: ["alice", "ali"] })).rejects.toMatchObject({
    code: "approver_locked",
  });
  await expect(plane.revoking.lift(plane.revoking.locks()[0]?.id ?? "", alice, "I am fine")).rejects.toMatchObject({
    code: "approver_locked",
  });
});

test("au-fail: what cannot be recorded is not locked, lifted or revoked", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const lock = await plane.revoking.lock({ type: "resource", resource: "billing-db" }, bob, "x");
  plane.log.failing = true;
  await expect(plane.revoking.lock(agent, bob, "x")).rejects.toMatchObject({ code: "audit_unavailable" });
  await expect(plane.revoking.lift(lock.id, bob, "x")).rejects.toMatchObject({ code: "audit_unavailable" });
  await expect(plane.revoking.request(request.binding.requestId, bob, "x")).rejects.toMatchObject({ code: "audit_unavailable" });
  plane.log.failing = false;
  expect(plane.revoking.locks()).toEqual([lock]);
  expect(await plane.state(request)).toBe("pending");
});
