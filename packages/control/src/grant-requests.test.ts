import { describe, expect, test } from "vitest";
import { granted, openBy, terms } from "../fixtures/granting.ts";
import { alice, bob, openPlane } from "../fixtures/plane.ts";

describe("a request that is opened with a grant", () => {
  test("is approved by one use, claimed once, and asks nobody", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    const opened = await openBy(plane, request, ["grant_gone", id]);
    expect(opened).toMatchObject({ state: "approved", grant: { grantId: id, use: 1 }, changedBy: id, votes: [] });
    expect(await plane.claim(opened)).toMatchObject({ state: "executing" });
    await expect(plane.claim(opened)).rejects.toMatchObject({ code: "not_pending" });
    expect(await plane.grants.get(id)).toMatchObject({ used: 1 });
  });

  test("attaches to the one of its idempotency key without another use", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    const [first, second] = [await openBy(plane, request, [id], "k"), await openBy(plane, request, [id], "k")];
    expect(second.binding.requestId).toBe(first.binding.requestId);
    expect(await plane.grants.get(id)).toMatchObject({ used: 1 });
  });

  test("waits for people when no grant has a use to give, and whatever the draft says of one", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane, { ...terms, uses: 1 });
    expect((await openBy(plane, request, [id])).state).toBe("approved");
    expect((await openBy(plane, request, [id])).state).toBe("pending");
    const { grant: _, ...forged } = await openBy(plane, request, []);
    const another = { ...forged, binding: { ...forged.binding }, grant: { grantId: id, use: 1 } };
    await plane.requests.settle(forged.binding.requestId, {
      outcome: { state: "cancelled", rows: 0, bytes: 0, durationMs: 0 },
      by: "x",
      resultEvents: 0,
    });
    await expect(plane.requests.open(another, [])).rejects.toMatchObject({ code: "invalid_request" });
  });

  test.each(["grant", "approver", "resource"])("ap-revoke: is not claimed once the %s is taken back", async (what) => {
    const plane = await openPlane();
    const { request, id } = await granted(plane, { ...terms, uses: 1 });
    const opened = await openBy(plane, request, [id]);
    if (what === "grant") await plane.grants.revoke(id, bob, "x");
    else if (what === "approver") await plane.revoking.lock({ type: "approver", subject: "alice" }, bob, "x");
    else await plane.revoking.lock({ type: "resource", resource: "orders-db" }, bob, "x");
    await expect(plane.claim(opened)).rejects.toMatchObject({ code: "revoked" });
  });

  test("a lock on another approver leaves it; its time is up after validFor all the same", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    const [first, second] = [await openBy(plane, request, [id]), await openBy(plane, request, [id])];
    await plane.revoking.lock({ type: "approver", subject: "bob" }, alice, "x");
    expect(await plane.claim(first)).toMatchObject({ state: "executing" });
    plane.clock.pass(300_000);
    await expect(plane.claim(second)).rejects.toMatchObject({ code: "expired" });
  });

  test("is claimed after a restart, but not by a use that the log has for another request", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    const opened = await openBy(plane, request, [id]);
    expect(await plane.grants.permits({ grantId: id, use: 1 }, opened.binding.requestId)).toBe(true);
    expect(await plane.grants.permits({ grantId: id, use: 1 }, "req_other")).toBe(false);
    expect(await plane.grants.permits({ grantId: id, use: 2 }, opened.binding.requestId)).toBe(false);
    await plane.close();
    const again = await openPlane(plane.folder, plane.clock, plane.log);
    expect(await again.claim(opened)).toMatchObject({ state: "executing" });
  });
});
