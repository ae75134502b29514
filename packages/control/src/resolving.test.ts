import { expect, test } from "vitest";
import { alice, bob, carol, openPlane } from "../fixtures/plane.ts";

/** A request in doubt, as a crash leaves it. */
async function inDoubt(options: Parameters<Awaited<ReturnType<typeof openPlane>>["open"]>[0] = {}) {
  const plane = await openPlane();
  const request = await plane.open(options);
  await plane.vote(request);
  await plane.claim(request);
  const id = request.binding.requestId;
  const failure = { code: "unknown_outcome", message: "The connection broke.", retryable: false } as const;
  const outcome = { state: "unknown", failure, rows: 0, bytes: 0, durationMs: 1 } as const;
  await plane.requests.settle(id, { outcome, by: "sidecar", resultEvents: 0 });
  return { plane, request, id };
}

test("a doubt is cleared up by a person, once, with a reason, and recorded", async () => {
  const { plane, request, id } = await inDoubt();
  await expect(plane.resolving.resolve(id, bob, true, "")).rejects.toMatchObject({ code: "reason_required" });
  expect(await plane.resolving.resolve(id, bob, true, "the row is gone")).toMatchObject({ state: "succeeded" });
  expect((await plane.approvals.get(id)).request.outcome).not.toHaveProperty("failure");
  await expect(plane.resolving.resolve(id, alice, false, "no it is not")).rejects.toMatchObject({ code: "not_pending" });
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "not_pending" });
  expect(plane.log.summary().slice(-2)).toEqual(["resolution", "unknown -> succeeded"]);
});

test("what did not happen is failed, and says who says so", async () => {
  const { plane, id } = await inDoubt();
  expect(await plane.resolving.resolve(id, bob, false, "the row is there")).toMatchObject({
    state: "failed",
    outcome: { failure: { message: "It did not take effect, says bob: the row is there" } },
  });
});

test("ap-self: neither the requester, its owner, a stranger nor a locked approver says what became of it", async () => {
  const { plane, id } = await inDoubt({ owner: "bob" });
  await expect(plane.resolving.resolve(id, bob, true, "x")).rejects.toMatchObject({ code: "requester_cannot_vote" });
  await expect(plane.resolving.resolve(id, carol, true, "x")).rejects.toMatchObject({ code: "not_an_approver" });
  await plane.revoking.lock({ type: "approver", subject: "alice" }, bob, "gone");
  await expect(plane.resolving.resolve(id, alice, true, "x")).rejects.toMatchObject({ code: "approver_locked" });
});

test("only what is in doubt is resolved", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await expect(plane.resolving.resolve(request.binding.requestId, alice, true, "x")).rejects.toMatchObject({
    code: "not_pending",
  });
});
