import { type Action, actionDigest, type RequestDraft } from "@countersign/policy";
import { expect, test, vi } from "vitest";
import { type DraftOptions, draft } from "../fixtures/drafts.ts";
import { alice, bob, openPlane } from "../fixtures/plane.ts";

type Plane = Awaited<ReturnType<typeof openPlane>>;

/** A request in the place of another, as the sidecar makes it when policy decides differently. */
function successor(plane: Plane, of: RequestDraft, options: Partial<DraftOptions> = {}): RequestDraft {
  const made = draft({ nowMs: plane.now(), ...options });
  return { ...made, replaces: { requestId: of.binding.requestId, why: "The policy has changed." } };
}
const replace = (plane: Plane, of: RequestDraft, options: Partial<DraftOptions> = {}) =>
  plane.requests.replace(successor(plane, of, options), "policy");
const stored = async (plane: Plane, of: RequestDraft) => (await plane.approvals.get(of.binding.requestId)).request;

test("another request takes the place of a pending one: it points on, takes no votes and cannot be claimed; the new one waits", async () => {
  const plane = await openPlane();
  const old = await plane.open();
  const now = await replace(plane, old, {
    approval: { requirements: [{ rule: "x", stages: [{ approvers: ["user:bob"], count: 1 }] }] },
  });
  expect(now).toMatchObject({ state: "pending", replaces: { requestId: old.binding.requestId, why: "The policy has changed." } });
  expect(await stored(plane, old)).toMatchObject({
    ...{ state: "cancelled", changedBy: "policy" },
    outcome: { failure: { code: "cancelled", message: "The policy has changed." }, replacedBy: now.binding.requestId },
  });
  await expect(plane.vote(old)).rejects.toMatchObject({ code: "not_pending" });
  await expect(plane.claim(old)).rejects.toMatchObject({ code: "cancelled" });
  await expect(plane.claim(now)).rejects.toMatchObject({ code: "not_pending" });
  await plane.vote(now, bob);
  expect(await plane.claim(now)).toMatchObject({ state: "executing" });
  expect(plane.log.summary().slice(0, 3)).toEqual(["request pending", "request pending", "pending -> cancelled"]);
  expect(plane.log.records[1]?.detail).toMatchObject({ replaces: old.binding.requestId });
  expect(plane.log.records[2]?.detail).toMatchObject({ replacedBy: now.binding.requestId });
});

test("the approval of the old one is void: votes over it are not votes over the new one", async () => {
  const plane = await openPlane();
  const old = await plane.open();
  await plane.vote(old);
  const now = await replace(plane, old);
  expect(await stored(plane, old)).toMatchObject({ state: "revoked", outcome: { replacedBy: now.binding.requestId } });
  await expect(plane.claim(old)).rejects.toMatchObject({ code: "revoked" });
  expect(now).toMatchObject({ state: "pending", votes: [] });
  await expect(
    plane.approvals.vote(now.binding.requestId, { requestDigest: old.requestDigest, verdict: "approve", comment: "" }, bob),
  ).rejects.toMatchObject({ code: "digest_mismatch" });
});

test("a claim and a replacement race: exactly one of both gets through", async () => {
  for (let round = 0; round < 20; round++) {
    const plane = await openPlane();
    const old = await plane.open();
    await plane.vote(old);
    const tries = [() => plane.claim(old), () => replace(plane, old, { allow: true })];
    const results = await Promise.allSettled((round % 2 === 0 ? tries : tries.reverse()).map((one) => one()));
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { state, outcome } = await stored(plane, old);
    expect(state === "executing" || outcome?.replacedBy !== undefined).toBe(true);
  }
});

test("only one request takes the place of another, however many try", async () => {
  const plane = await openPlane();
  const old = await plane.open();
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => replace(plane, old)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const one of results) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "not_pending" });
  expect(await plane.requests.list({ unfinishedOf: "local" })).toHaveLength(1);
});

test("what cannot be recorded is not replaced", async () => {
  const plane = await openPlane();
  const old = await plane.open();
  plane.log.failing = true;
  await expect(replace(plane, old)).rejects.toMatchObject({ code: "audit_unavailable" });
  plane.log.failing = false;
  expect(await plane.state(old)).toBe("pending");
  expect(await plane.requests.list({ unfinishedOf: "local" })).toHaveLength(1);
});

test("a sidecar cannot put another's call, another operation or an edit of its own in the place of a request", async () => {
  const plane = await openPlane();
  const old = await plane.open();
  const right = successor(plane, old);
  const { action, replaces } = right;
  const wrong: readonly Partial<DraftOptions>[] = [
    { statement: "delete from orders" },
    { subject: "another" },
    { owner: "olivia" },
    { sidecar: "another" },
    { idempotencyKey: "k" },
  ];
  for (const options of wrong) await expect(replace(plane, old, options)).rejects.toMatchObject({ code: "invalid_request" });
  const edited = { ...right, replaces: { requestId: old.binding.requestId, why: "", editedBy: "alice" } };
  await expect(plane.requests.replace(edited, "policy")).rejects.toMatchObject({ code: "invalid_request" });
  await expect(plane.requests.replace({ ...right, claims: { admin: true } }, "policy")).rejects.toMatchObject({
    code: "invalid_request",
  });
  await expect(plane.requests.replace({ ...right, durable: false }, "policy")).rejects.toMatchObject({ code: "invalid_request" });
  expect(action).toEqual(old.action);
  expect(replaces?.requestId).toBe(old.binding.requestId);
  expect(await plane.state(old)).toBe("pending");
});

test("the same key with the same action finds the old request, also when another policy gave the new one another role", async () => {
  const plane = await openPlane();
  const old = await plane.open({ idempotencyKey: "k" });
  const now = await replace(plane, old);
  const again = draft({ nowMs: plane.now(), idempotencyKey: "k" });
  const asking = (changes: Partial<Action>): RequestDraft => {
    const action = { ...again.action, ...changes };
    return { ...again, action, binding: { ...again.binding, actionDigest: actionDigest(action) } };
  };
  for (const one of [again, asking({ role: "reader" })])
    expect(await plane.requests.open(one)).toMatchObject({ outcome: { replacedBy: now.binding.requestId } });
  const others: readonly Partial<Action>[] = [
    { operation: { kind: "postgres.query", statement: "delete from orders", parameters: [] } },
    { resource: "other" },
  ];
  for (const other of others)
    await expect(plane.requests.open(asking(other))).rejects.toMatchObject({ code: "idempotency_conflict" });
});

test("what is locked or has ended gets no successor", async () => {
  const plane = await openPlane();
  const denied = await plane.open();
  await plane.vote(denied, alice, "deny");
  await expect(replace(plane, denied)).rejects.toMatchObject({ code: "not_pending" });
  const expired = await plane.open();
  plane.clock.pass(3_600_001);
  await expect(replace(plane, expired)).rejects.toMatchObject({ code: "not_pending" });
  const held = await plane.open({ subject: "late" });
  await plane.revoking.lock({ type: "principal", issuer: "countersign-development", subject: "late" }, alice, "enough");
  await expect(replace(plane, held, { subject: "late" })).rejects.toMatchObject({ code: "revoked" });
  await vi.waitFor(async () => expect(await plane.state(held)).toBe("cancelled"));
  await expect(replace(plane, held, { subject: "late" })).rejects.toMatchObject({ code: "not_pending" });
});
