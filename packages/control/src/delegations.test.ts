import { type Approver, verifyVote } from "@countersign/policy";
import { expect, test, vi } from "vitest";
import { oneOf } from "../fixtures/drafts.ts";
import { openPlane } from "../fixtures/plane.ts";
import { Approvers } from "./identity.ts";
import { openKeys } from "./keys.ts";

const approvers = new Approvers([
  { name: "alice", groups: ["dba"], accounts: ["root"] },
  { name: "bob", groups: ["dba"] },
  { name: "carol", groups: ["leads"] },
  { name: "zoe", groups: [] },
]);
const as = (name: string): Approver => approvers.get(name) ?? { issuer: "", subject: name, groups: [] };
const hour = 3_600_000;
const day = 24 * hour;

async function opened(...[folder, clock, log]: Parameters<typeof openPlane>) {
  const plane = await openPlane(folder, clock, log, { directory: approvers });
  const delegate = (from: string, to: string, more: { untilMs?: number; fromMs?: number } = {}) =>
    plane.delegations.delegate(as(from), { to, untilMs: plane.now() + day, reason: "leave", ...more });
  return { ...plane, delegate };
}

test("a delegate votes by the right of the one who is away, and the signed ballot says so", async () => {
  const { open, vote, delegate, folder, log } = await opened();
  const request = await open();
  await expect(vote(request, as("zoe"))).rejects.toMatchObject({ code: "not_an_approver" });
  await delegate("alice", "zoe");
  const approved = await vote(request, as("zoe"));
  expect(approved).toMatchObject({
    state: "approved",
    votes: [{ approver: { subject: "zoe", groups: [], actingFor: [{ subject: "alice", groups: ["dba"] }] } }],
  });
  const [cast] = approved.votes;
  expect(cast && verifyVote(cast, openKeys(folder).vote.publicKey)).toBe(true);
  expect(cast && verifyVote({ ...cast, approver: as("zoe") }, openKeys(folder).vote.publicKey)).toBe(false);
  expect(log.summary()).toContain("delegation");
});

test("it begins and ends in its time, or early by either of the two, and comes back with a restart", async () => {
  const plane = await opened();
  const later = await plane.delegate("alice", "zoe", { fromMs: plane.now() + hour, untilMs: plane.now() + 2 * hour });
  const [first, second] = [await plane.open(), await plane.open()];
  await expect(plane.vote(first, as("zoe"))).rejects.toMatchObject({ code: "not_an_approver" });
  plane.clock.pass(hour);
  // In its time, and the request has not expired by then.
  const third = await plane.open();
  expect(await plane.vote(third, as("zoe"))).toMatchObject({ state: "approved" });
  await expect(plane.delegations.end(later.id, as("carol"))).rejects.toMatchObject({ code: "not_found" });
  const { folder, clock, log } = plane;
  await plane.close();
  const again = await opened(folder, clock, log);
  expect(again.delegations.list()).toEqual([later]);
  expect(await again.vote(await again.open(), as("zoe"))).toMatchObject({ state: "approved" });
  clock.pass(hour);
  expect(again.delegations.list()).toEqual([]);
  await expect(again.vote(await again.open(), as("zoe"))).rejects.toMatchObject({ code: "not_an_approver" });
  const other = await again.delegate("alice", "zoe");
  await again.delegations.end(other.id, as("root"));
  await expect(again.delegations.end(other.id, as("alice"))).rejects.toMatchObject({ code: "not_found" });
  await expect(again.vote(await again.open(), as("zoe"))).rejects.toMatchObject({ code: "not_an_approver" });
  expect(await again.state(second)).toBe("expired");
});

test("an ended one stays ended across a restart", async () => {
  const plane = await opened();
  const made = await plane.delegate("alice", "zoe");
  await plane.delegations.end(made.id, as("zoe"));
  await plane.close();
  const again = await opened(plane.folder, plane.clock, plane.log);
  expect(again.delegations.list()).toEqual([]);
  await expect(again.vote(await again.open(), as("zoe"))).rejects.toMatchObject({ code: "not_an_approver" });
});

test("what one was given is not passed on", async () => {
  const { open, vote, delegate } = await opened();
  await delegate("alice", "carol");
  await delegate("carol", "zoe");
  const request = await open();
  await expect(vote(request, as("zoe"))).rejects.toMatchObject({ code: "not_an_approver" });
  expect(await vote(request, as("carol"))).toMatchObject({ state: "approved" });
});

const refused: readonly (readonly [string, { to?: string; fromMs?: number; untilMs?: number; reason?: string }])[] = [
  ["to nobody", { to: "mallory" }],
  ["to no name", { to: "" }],
  ["to oneself", { to: "alice" }],
  ["to oneself under another account", { to: "root" }],
  ["for more than 30 days", { untilMs: 30 * day + 1 }],
  ["until now", { untilMs: 0 }],
  ["until before it begins", { fromMs: 2 * hour, untilMs: hour }],
  ["from the far future", { fromMs: 400 * day, untilMs: 401 * day }],
  ["until no time", { untilMs: Number.NaN }],
  ["with an endless reason", { reason: "x".repeat(4097) }],
];

test.each(refused)("a delegation %s is refused", async (_, wish) => {
  const { delegations, now } = await opened();
  const { untilMs = day, fromMs } = wish;
  const times = { untilMs: now() + untilMs, ...(fromMs !== undefined && { fromMs: now() + fromMs }) };
  await expect(delegations.delegate(as("alice"), { to: "bob", reason: "", ...wish, ...times })).rejects.toMatchObject({
    code: "invalid_request",
  });
  expect(delegations.list()).toEqual([]);
});

test("a delegation cannot begin in the past", async () => {
  const { delegate, now } = await opened();
  expect(await delegate("alice", "zoe", { fromMs: 1 })).toMatchObject({ fromMs: now() });
});

test("ap-self: the delegate of the requester's owner is excluded, also by a right of their own, and after ending it", async () => {
  const { open, vote, delegate, delegations, clock } = await opened();
  const made = await delegate("alice", "bob");
  const request = await open({ owner: "root" });
  await expect(vote(request, as("bob"))).rejects.toMatchObject({ code: "requester_cannot_vote" });
  await delegations.end(made.id, as("bob"));
  await expect(vote(request, as("bob"))).rejects.toMatchObject({ code: "requester_cannot_vote" });
  clock.pass(1);
  // What is opened after the end is none of the owner's delegate's business.
  expect(await vote(await open({ owner: "root" }), as("bob"))).toMatchObject({ state: "approved" });
});

test("ap-self: somebody and their delegate are one right", async () => {
  const { open, vote, delegate, log } = await opened();
  await delegate("alice", "zoe");
  const two = { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }] };
  const request = await open({ approval: two });
  expect(await vote(request, as("zoe"))).toMatchObject({ state: "pending" });
  await expect(vote(request, as("alice"))).rejects.toMatchObject({ code: "already_voted" });
  expect(log.summary().at(-1)).toBe("vote refused: already_voted");
  // A no is heard from either.
  expect(await vote(request, as("alice"), "deny")).toMatchObject({ state: "denied" });
});

test("ap-revoke: who is locked neither delegates nor is voted for", async () => {
  const { open, vote, delegate, revoking } = await opened();
  await delegate("alice", "zoe");
  await revoking.lock({ type: "approver", subject: "alice" }, as("carol"), "left");
  const request = await open();
  await expect(vote(request, as("zoe"))).rejects.toMatchObject({ code: "not_an_approver" });
  await expect(delegate("alice", "carol")).rejects.toMatchObject({ code: "approver_locked" });
  const named = await open({ approval: { requirements: oneOf("user:zoe") } });
  expect(await vote(named, as("zoe"))).toMatchObject({ state: "approved" });
});

test("ap-revoke: a delegate's vote ceases to count when the one whose right it was is locked before the claim", async () => {
  const { open, vote, claim, delegate, revoking, state } = await opened();
  await delegate("alice", "zoe");
  const request = await open();
  await vote(request, as("zoe"));
  await revoking.lock({ type: "approver", subject: "root" }, as("carol"), "left");
  await expect(claim(request)).rejects.toMatchObject({ code: "revoked" });
  await vi.waitFor(async () => expect(await state(request)).toBe("revoked"));
});

test("when the log cannot be written, nobody is delegated", async () => {
  const { delegate, delegations, log } = await opened();
  log.failing = true;
  await expect(delegate("alice", "zoe")).rejects.toMatchObject({ code: "audit_unavailable" });
  expect(delegations.list()).toEqual([]);
});
