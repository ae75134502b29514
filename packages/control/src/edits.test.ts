import { type Approver, CountersignError, operationText, type RequestDraft } from "@countersign/policy";
import { expect, test } from "vitest";
import { type DraftOptions, draft, oneOf } from "../fixtures/drafts.ts";
import { alice, bob, carol, openPlane } from "../fixtures/plane.ts";
import type { EditAttempt, Redraft } from "./edits.ts";

const narrow = "delete from orders where id = 7";

/** A control plane whose sidecar decides changed operations as the test says. */
async function editable(options: Partial<DraftOptions> = {}) {
  const plane = await openPlane();
  const redrafted: string[] = [];
  let before: () => Promise<unknown> = async () => {};
  const redraft: Redraft = async (request, operation, edit) => {
    const { statement } = { statement: operationText(operation) };
    redrafted.push(statement);
    await before();
    if (statement.startsWith("drop")) throw new CountersignError("denied", "Ask the platform team.");
    if (statement === "nonsense") throw new CountersignError("invalid_operation", "It is not SQL.");
    const made = draft({ nowMs: plane.now(), statement, ...options });
    const action = { ...made.action, operation };
    return { ...withAction(made, action), replaces: { ...edit, requestId: request.binding.requestId } };
  };
  plane.edits.connect(redraft);
  const propose = (of: RequestDraft, by: Approver = alice, changes: Partial<EditAttempt> & { statement?: string } = {}) => {
    const { statement = narrow, ...more } = changes;
    const operation = { kind: "postgres.query", statement, parameters: [] } as const;
    return plane.edits.propose(
      of.binding.requestId,
      { requestDigest: of.requestDigest, operation, comment: "only the duplicate", ...more },
      by,
    );
  };
  const edits = () => plane.log.records.filter(({ type }) => type === "edit");
  return { ...plane, propose, redrafted, edits, meanwhile: (work: () => Promise<unknown>) => (before = work) };
}

function withAction(made: RequestDraft, action: RequestDraft["action"]): RequestDraft {
  const fresh = draft({ nowMs: made.binding.expiry.pendingUntilMs - 3_600_000, statement: operationText(action.operation) });
  // The fixture has one parameter: the digests are taken of what the fixture makes.
  return { ...made, binding: fresh.binding, requestDigest: fresh.requestDigest, action: fresh.action, decision: made.decision };
}

test("an edit takes the place of what is held, is recorded with both digests, and is no vote", async () => {
  const plane = await editable();
  const old = await plane.open();
  const now = await plane.propose(old);
  expect(now).toMatchObject({
    ...{ state: "pending", votes: [], action: { operation: { statement: narrow }, principal: old.action.principal } },
    replaces: { requestId: old.binding.requestId, editedBy: "alice", why: "Edited by alice: only the duplicate" },
  });
  expect((await plane.approvals.get(old.binding.requestId)).request).toMatchObject({
    ...{ state: "cancelled", changedBy: "alice" },
    outcome: { replacedBy: now.binding.requestId, failure: { message: "Edited by alice: only the duplicate" } },
  });
  const [record] = plane.edits();
  expect(record).toMatchObject({
    request: old.binding.requestId,
    action: old.binding.actionDigest,
    detail: {
      ...{ accepted: true, requestDigest: old.requestDigest, by: { subject: "alice" } },
      now: { request: now.binding.requestId, requestDigest: now.requestDigest, action: now.binding.actionDigest },
    },
  });
  expect(Buffer.from(record?.payload ?? []).toString()).toContain(narrow);
  await expect(plane.claim(now)).rejects.toMatchObject({ code: "not_pending" });
  expect(await plane.vote(now, alice)).toMatchObject({ state: "approved" });
});

test("of two people who are needed, the editor is one; votes on what was held before do not count", async () => {
  const approval = { requirements: [{ rule: "two", stages: [{ approvers: ["group:dba"], count: 2 }] }] };
  const plane = await editable({ approval });
  const old = await plane.open({ approval });
  await plane.vote(old, bob);
  const now = await plane.propose(old);
  expect(await plane.vote(now, alice)).toMatchObject({ state: "pending" });
  expect(await plane.vote(now, bob)).toMatchObject({ state: "approved" });
});

test("what policy lets run by itself runs, and who edited it is on record", async () => {
  const plane = await editable({ allow: true });
  const old = await plane.open();
  const now = await plane.propose(old);
  expect(now).toMatchObject({ state: "approved", replaces: { editedBy: "alice" } });
  expect(await plane.claim(now)).toMatchObject({ state: "executing" });
});

test("what policy refuses, and what would ask other people, is refused: the request stays as it is", async () => {
  const plane = await editable({ approval: { requirements: oneOf("group:leads") } });
  const old = await plane.open();
  await expect(plane.propose(old, alice, { statement: "drop table orders" })).rejects.toMatchObject({
    code: "denied",
    message: "Policy refuses the changed operation: Ask the platform team. The request stays as it is.",
  });
  await expect(plane.propose(old)).rejects.toMatchObject({
    code: "not_an_approver",
    message: expect.stringContaining("do not ask you"),
  });
  await expect(plane.propose(old, alice, { statement: "nonsense" })).rejects.toMatchObject({ code: "invalid_operation" });
  expect(await plane.state(old)).toBe("pending");
  expect(plane.edits().map(({ detail }) => detail)).toMatchObject([
    { accepted: false, code: "denied", by: { subject: "alice" } },
    { accepted: false, code: "not_an_approver" },
    { accepted: false, code: "invalid_operation" },
  ]);
  expect(await plane.vote(old, alice)).toMatchObject({ state: "approved" });
});

test("who could not vote cannot edit, and nothing is asked of the sidecar in their name", async () => {
  const plane = await editable();
  const old = await plane.open({ owner: "bob" });
  const refusals: readonly [Approver, Partial<EditAttempt>, string][] = [
    [carol, {}, "not_an_approver"],
    [bob, {}, "requester_cannot_vote"],
    [{ ...alice, subject: "agent" }, {}, "requester_cannot_vote"],
    [alice, { requestDigest: `sha256:${"1".repeat(64)}` }, "digest_mismatch"],
    [alice, { comment: "  " }, "reason_required"],
    [alice, { comment: "x".repeat(5000) }, "invalid_request"],
  ];
  for (const [by, changes, code] of refusals) await expect(plane.propose(old, by, changes)).rejects.toMatchObject({ code });
  await plane.revoking.lock({ type: "approver", subject: "alice" }, bob, "left");
  await expect(plane.propose(old)).rejects.toMatchObject({ code: "approver_locked" });
  expect(plane.redrafted).toEqual([]);
  expect(await plane.state(old)).toBe("pending");
});

test("what has ended, or has been voted on by the editor, is not edited", async () => {
  const approval = { requirements: [{ rule: "two", stages: [{ approvers: ["group:dba"], count: 2 }] }] };
  const plane = await editable();
  const voted = await plane.open({ approval });
  await plane.vote(voted);
  await expect(plane.propose(voted)).rejects.toMatchObject({ code: "already_voted" });
  const approved = await plane.open();
  await plane.vote(approved, bob);
  await expect(plane.propose(approved)).rejects.toMatchObject({ code: "not_pending" });
  const late = await plane.open();
  plane.clock.pass(3_600_001);
  await expect(plane.propose(late)).rejects.toMatchObject({ code: "expired" });
});

test("whatever happens while the changed operation is decided: the first to be stored stands", async () => {
  const plane = await editable();
  const approved = await plane.open();
  plane.meanwhile(() => plane.vote(approved, bob));
  await expect(plane.propose(approved)).rejects.toMatchObject({ code: "not_pending" });
  expect(await plane.state(approved)).toBe("approved");
  const locked = await plane.open();
  plane.meanwhile(() => plane.revoking.lock({ type: "approver", subject: "alice" }, bob, "left"));
  await expect(plane.propose(locked)).rejects.toMatchObject({ code: "approver_locked" });
  expect(await plane.state(locked)).toBe("pending");
});

test("two edits at once: one takes the place, the other is refused", async () => {
  const plane = await editable();
  const old = await plane.open();
  const results = await Promise.allSettled([plane.propose(old, alice), plane.propose(old, bob)]);
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await plane.requests.list({ unfinishedOf: "local" })).toHaveLength(1);
});

test("an edit that changes nothing, or comes before the sidecar is there, is refused", async () => {
  const plane = await editable();
  const old = await plane.open();
  const { operation } = old.action;
  await expect(plane.propose(old, alice, { operation })).rejects.toMatchObject({ code: "invalid_request" });
  const early = await openPlane();
  const held = await early.open();
  const attempt = {
    requestDigest: held.requestDigest,
    operation: { ...operation, statement: narrow } as typeof operation,
    comment: "x",
  };
  await expect(early.edits.propose(held.binding.requestId, attempt, alice)).rejects.toMatchObject({
    code: "control_plane_unavailable",
    retryable: true,
  });
});
