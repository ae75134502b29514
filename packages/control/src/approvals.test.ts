import { expect, test } from "vitest";
import { openPlane } from "../fixtures/plane.ts";

test("an approved request can be claimed once, and each step was recorded first", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const approved = await plane.vote(request);
  expect(approved).toMatchObject({ state: "approved", validUntilMs: plane.now() + 300_000, changedBy: "alice" });
  expect(await plane.claim(request)).toMatchObject({ state: "executing", changedBy: "sidecar", action: request.action });
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "not_pending" });
  expect(plane.log.summary()).toEqual(["request pending", "vote", "pending -> approved", "approved -> executing"]);
});
