import { type Vote, verifyVote } from "@countersign/policy";
import { expect, test } from "vitest";
import { oneOf } from "../fixtures/drafts.ts";
import { alice, bob, carol, openPlane } from "../fixtures/plane.ts";
import { openKeys } from "./keys.ts";

const stages = (...counts: [string, number][]) => [
  { rule: "writes", stages: counts.map(([approver, count]) => ({ approvers: [approver], count })) },
];

test("an approved request can be claimed once, and each step was recorded first", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const approved = await plane.vote(request);
  expect(approved).toMatchObject({ state: "approved", validUntilMs: plane.now() + 300_000, changedBy: "alice" });
  expect(await plane.claim(request)).toMatchObject({ state: "executing", changedBy: "sidecar", action: request.action });
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "not_pending" });
  expect(plane.log.summary()).toEqual(["request pending", "vote", "pending -> approved", "approved -> executing"]);
});

test("one denial denies, and the caller is told who and why", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { requirements: stages(["group:dba", 2]) } });
  await plane.vote(request, alice);
  const denied = await plane.vote(request, bob, "deny", "not on a Friday");
  expect(denied).toMatchObject({
    state: "denied",
    outcome: { state: "denied", failure: { code: "denied", message: "Denied by bob: not on a Friday", retryable: false } },
  });
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "denied" });
  expect(plane.log.summary()).toEqual(["request pending", "vote", "vote", "pending -> denied"]);
});

test("stages are satisfied in order by distinct people", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { requirements: stages(["group:dba", 2], ["group:leads", 1]) } });
  await expect(plane.vote(request, carol)).rejects.toMatchObject({ code: "stage_not_reached" });
  await plane.vote(request, alice);
  await expect(plane.vote(request, alice)).rejects.toMatchObject({ code: "already_voted" });
  await expect(plane.vote(request, { ...alice, issuer: "elsewhere" })).rejects.toMatchObject({ code: "already_voted" });
  expect(await plane.vote(request, bob)).toMatchObject({ state: "pending" });
  expect(await plane.vote(request, carol)).toMatchObject({ state: "approved" });
});

test("every rule that holds a request has to be satisfied", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { requirements: [...oneOf("group:dba"), ...oneOf("user:carol")] } });
  expect(await plane.vote(request, alice)).toMatchObject({ state: "pending" });
  expect(await plane.vote(request, carol)).toMatchObject({ state: "approved" });
});

test("whoever asks, or owns the one who asks, cannot vote, under any issuer and also to deny", async () => {
  const plane = await openPlane();
  const request = await plane.open({
    subject: "alice",
    owner: "bob",
    approval: { requirements: oneOf("group:dba", "user:alice", "user:bob") },
  });
  for (const approver of [alice, { ...alice, issuer: "https://elsewhere" }, bob]) {
    await expect(plane.vote(request, approver)).rejects.toMatchObject({ code: "requester_cannot_vote" });
    await expect(plane.vote(request, approver, "deny")).rejects.toMatchObject({ code: "requester_cannot_vote" });
  }
  expect(await plane.state(request)).toBe("pending");
});

test("a refused vote changes nothing and is recorded with its code", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const { requestId: id } = request.binding;
  const { requestDigest } = request;
  const attempt = { requestDigest, verdict: "approve", comment: "" } as const;
  const other = `sha256:${"1".repeat(64)}`;
  await expect(plane.approvals.vote(id, { ...attempt, requestDigest: other }, alice)).rejects.toMatchObject({
    code: "digest_mismatch",
  });
  await expect(plane.approvals.vote(id, { ...attempt, requestDigest: "" }, alice)).rejects.toMatchObject({
    code: "digest_mismatch",
  });
  await expect(plane.approvals.vote(id, attempt, carol)).rejects.toMatchObject({ code: "not_an_approver" });
  await expect(plane.approvals.vote(id, attempt, { ...alice, subject: "agent" })).rejects.toMatchObject({
    code: "requester_cannot_vote",
  });
  await expect(plane.approvals.vote("req_none", attempt, alice)).rejects.toMatchObject({ code: "not_found" });
  expect(await plane.requests.list({ id })).toEqual([request]);
  await plane.vote(request, alice);
  await expect(plane.vote(request, bob)).rejects.toMatchObject({ code: "not_pending" });
  expect(plane.log.summary()).toEqual([
    "request pending",
    "vote refused: digest_mismatch",
    "vote refused: digest_mismatch",
    "vote refused: not_an_approver",
    "vote refused: requester_cannot_vote",
    "vote",
    "pending -> approved",
    "vote refused: not_pending",
  ]);
});

test("a comment has at most 4096 bytes of valid Unicode", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await expect(plane.vote(request, alice, "deny", "é".repeat(2049))).rejects.toMatchObject({ code: "invalid_request" });
  await expect(plane.vote(request, alice, "deny", "\ud800")).rejects.toMatchObject({ code: "invalid_request" });
  const comment = "é".repeat(2048);
  expect(await plane.vote(request, alice, "deny", comment)).toMatchObject({ votes: [{ comment }] });
});

test("votes that arrive together are counted one after another, however slow the log is", async () => {
  const plane = await openPlane();
  plane.log.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
  const request = await plane.open({ approval: { requirements: stages(["group:dba", 2]) } });
  const results = await Promise.allSettled([
    plane.vote(request, alice),
    plane.vote(request, alice),
    plane.vote(request, bob),
    plane.vote(request, { ...carol, groups: ["dba"] }),
    plane.vote(request, bob, "deny"),
  ]);
  expect(results.map((one) => (one.status === "fulfilled" ? one.value.state : one.reason.code))).toEqual([
    "pending",
    "already_voted",
    "approved",
    "not_pending",
    "not_pending",
  ]);
  const [stored] = await plane.requests.list({ id: request.binding.requestId });
  expect(stored?.votes.map((vote) => vote.approver.subject)).toEqual(["alice", "bob"]);
});

test("when the audit log cannot be written, nothing changes", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const approved = await plane.open();
  await plane.vote(approved);
  const before = await plane.requests.list({ unfinishedOf: "local" });
  plane.log.failing = true;
  const unavailable = { code: "audit_unavailable", retryable: true };
  await expect(plane.open()).rejects.toMatchObject(unavailable);
  await expect(plane.vote(request)).rejects.toMatchObject(unavailable);
  await expect(plane.vote(request, carol)).rejects.toMatchObject(unavailable);
  await expect(plane.claim(approved)).rejects.toMatchObject(unavailable);
  const outcome = { state: "cancelled", rows: 0, bytes: 0, durationMs: 0 } as const;
  const cancel = () => plane.requests.settle(request.binding.requestId, { outcome, by: "agent", resultEvents: 0 });
  await expect(cancel()).rejects.toMatchObject(unavailable);
  expect(await plane.requests.list({ unfinishedOf: "local" })).toEqual(before);
  plane.log.failing = false;
  expect(await plane.vote(request)).toMatchObject({ state: "approved" });
  expect(await plane.claim(approved)).toMatchObject({ state: "executing" });
});

test("the record of a vote lets anyone check its signature", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request, alice, "approve", "looks right");
  const record = plane.log.records.find(({ type }) => type === "vote");
  const { approver, verdict, timeMs, signature, requestDigest } = { ...Object(record?.detail) } as Vote;
  const comment = Buffer.from(record?.payload ?? []).toString();
  const vote = { requestId: request.binding.requestId, requestDigest, approver, verdict, comment, timeMs, signature };
  expect(verifyVote(vote, openKeys(plane.folder).vote.publicKey)).toBe(true);
  expect(JSON.stringify(record?.detail)).not.toContain("looks right");
});
