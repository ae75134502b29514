import { type Approver, verifyVote } from "@countersign/policy";
import { expect, test, vi } from "vitest";
import { openPlane } from "../fixtures/plane.ts";
import { Approvers } from "./identity.ts";
import { openKeys } from "./keys.ts";
import type { ReviewParts } from "./reviews.ts";

const approvers = new Approvers([
  { name: "alice", groups: ["dba"] },
  { name: "bob", groups: ["dba"], accounts: ["bob@example.com"] },
  { name: "erin", groups: ["oncall"], accounts: ["erin-admin"] },
  { name: "mallory", groups: [] },
]);
const as = (name: string): Approver => approvers.get(name) ?? { issuer: "", subject: name, groups: [] };
const hour = 3_600_000;
const breakGlass = { approvers: ["group:oncall"], reviewWithinMs: 24 * hour };
const rule = (more: object = { breakGlass }) => ({
  ...{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 2 }] },
  ...more,
});
const approval = { requirements: [rule()] };

async function opened(...[folder, clock, log]: Parameters<typeof openPlane>) {
  const told: string[] = [];
  const onEmergency: ReviewParts["onEmergency"] = ({ requestId, by }, change) =>
    void told.push(`${change} ${requestId} by ${by.map(({ subject }) => subject).join()}`);
  const plane = await openPlane(folder, clock, log, { directory: approvers, onEmergency });
  type Request = Awaited<ReturnType<typeof plane.open>>;
  const broken = ({ binding, requestDigest }: Request, name = "erin", comment = "the site is down", more: object = {}) =>
    plane.approvals.vote(binding.requestId, { requestDigest, verdict: "approve", comment, breakGlass: true, ...more }, as(name));
  return { ...plane, broken, told };
}

test("somebody approves alone in an emergency: signed as such, recorded, told loudly, and a review is due", async () => {
  const { open, broken, claim, reviews, log, told, folder, now } = await opened();
  const request = await open({ approval });
  const id = request.binding.requestId;
  const approved = await broken(request);
  expect(approved).toMatchObject({ state: "approved", votes: [{ breakGlass: true, comment: "the site is down" }] });
  const [vote] = approved.votes;
  const { publicKey } = openKeys(folder).vote;
  expect(vote && verifyVote(vote, publicKey)).toBe(true);
  const { breakGlass: _, ...plain } = { ...vote };
  expect(vote && verifyVote({ ...vote, ...plain, breakGlass: undefined } as never, publicKey)).toBe(false);
  expect(log.summary()).toEqual(["request pending", "review", "vote", "pending -> approved"]);
  expect(await reviews.list(true)).toMatchObject([{ requestId: id, reason: "the site is down", dueMs: now() + 24 * hour }]);
  expect(told).toEqual([`opened ${id} by erin`]);
  expect(await claim(request)).toMatchObject({ state: "executing" });
});

test.each([
  ["nobody says why", "erin", " ", {}, "reason_required"],
  ["the rule does not name them for it", "alice", "now!", {}, "not_an_approver"],
  ["the rule does not name them at all", "mallory", "now!", {}, "not_an_approver"],
  ["they saw something else", "erin", "now!", { requestDigest: `sha256:${"1".repeat(64)}` }, "digest_mismatch"],
  ["it is a no", "erin", "now!", { verdict: "deny" }, "invalid_request"],
  ["it should stand", "erin", "now!", { grant: { uses: 1, ttlMs: 1000, bounds: [] } }, "grant_too_wide"],
])("the glass stays whole when %s", async (_, name, comment, more, code) => {
  const { open, broken, reviews, state, log } = await opened();
  const request = await open({ approval: { ...approval, grants: { maxUses: 5, maxTtlMs: hour } } });
  await expect(broken(request, name, comment, more)).rejects.toMatchObject({ code });
  expect(await state(request)).toBe("pending");
  expect(await reviews.list(false)).toEqual([]);
  if (code !== "invalid_request") expect(log.summary()).toContain(`vote refused: ${code}`);
});

test("ap-self: neither the requester, its owner, their delegate, nor the locked break the glass", async () => {
  const { open, broken, revoking, delegations, now } = await opened();
  for (const owner of ["erin", "erin-admin"]) {
    await expect(broken(await open({ approval, owner }))).rejects.toMatchObject({ code: "requester_cannot_vote" });
  }
  await expect(broken(await open({ approval, subject: "erin" }))).rejects.toMatchObject({ code: "requester_cannot_vote" });
  await delegations.delegate(as("bob"), { to: "erin", untilMs: now() + hour, reason: "" });
  await expect(broken(await open({ approval, owner: "bob" }))).rejects.toMatchObject({ code: "requester_cannot_vote" });
  // And nobody breaks it by somebody else's right.
  await delegations.delegate(as("erin"), { to: "mallory", untilMs: now() + hour, reason: "" });
  await expect(broken(await open({ approval }), "mallory")).rejects.toMatchObject({ code: "not_an_approver" });
  await revoking.lock({ type: "approver", subject: "erin" }, as("alice"), "left");
  await expect(broken(await open({ approval }))).rejects.toMatchObject({ code: "approver_locked" });
});

test("a rule that names nobody for emergencies is as strict as ever, and the review is due all the same", async () => {
  const { open, broken, vote, reviews } = await opened();
  const strict = { rule: "payments", stages: [{ approvers: ["user:alice"], count: 1 }] };
  const request = await open({ approval: { requirements: [rule(), strict] } });
  expect(await broken(request)).toMatchObject({ state: "pending" });
  expect(await reviews.list(true)).toHaveLength(1);
  expect(await vote(request, as("alice"))).toMatchObject({ state: "approved" });
});

test("only another person whom the rules name closes the review, once, and says what they found", async () => {
  const { open, broken, reviews, log, delegations, now } = await opened();
  const request = await open({ approval, owner: "bob@example.com" });
  const id = request.binding.requestId;
  await broken(request);
  const close = (name: string, finding = "it was right") => reviews.close(id, as(name), finding);
  await expect(close("erin")).rejects.toMatchObject({ code: "not_an_approver" });
  await expect(close("erin-admin")).rejects.toMatchObject({ code: "not_an_approver" });
  await expect(close("bob")).rejects.toMatchObject({ code: "requester_cannot_vote" });
  await expect(close("mallory")).rejects.toMatchObject({ code: "not_an_approver" });
  await expect(close("alice", " ")).rejects.toMatchObject({ code: "reason_required" });
  await expect(reviews.close("req_none", as("alice"), "x")).rejects.toMatchObject({ code: "not_found" });
  const acting = await delegations.delegate(as("erin"), { to: "alice", untilMs: now() + hour, reason: "" });
  await expect(close("alice")).rejects.toMatchObject({ code: "not_an_approver" });
  await delegations.end(acting.id, as("erin"));
  expect(await close("alice")).toMatchObject({ closed: { by: "alice", finding: "it was right" } });
  await expect(close("alice")).rejects.toMatchObject({ code: "not_pending" });
  expect(await reviews.list(true)).toEqual([]);
  expect(await reviews.list(false)).toMatchObject([{ requestId: id, closed: { by: "alice" } }]);
  expect(log.records.filter(({ type }) => type === "review").map(({ detail }) => detail)).toMatchObject([
    { change: "opened", by: "erin" },
    { change: "closed", by: "alice", brokenBy: ["erin"] },
  ]);
});

test("a review that nobody closed in time is told once, loudly, and stays open, also across restarts", async () => {
  const plane = await opened();
  const request = await plane.open({ approval });
  const id = request.binding.requestId;
  await plane.broken(request);
  await plane.close();
  plane.clock.step(25 * hour);
  const again = await opened(plane.folder, plane.clock, plane.log);
  expect(again.told).toEqual([`overdue ${id} by erin`]);
  expect(again.log.records.at(-1)).toMatchObject({ type: "review", request: id, detail: { change: "overdue", by: "clock" } });
  await again.close();
  const third = await opened(plane.folder, plane.clock, plane.log);
  expect(third.told).toEqual([]);
  expect(await third.reviews.list(true)).toMatchObject([{ requestId: id, overdue: true }]);
  expect(await third.reviews.close(id, as("alice"), "late, but fine")).toMatchObject({ closed: { by: "alice" } });
});

test("the time runs while it runs, and whoever watches hears of it", async () => {
  const { open, broken, clock, told, approvals } = await opened();
  const request = await open({ approval });
  await broken(request);
  const stop = new AbortController();
  const changed: string[] = [];
  const watching = (async () => {
    for await (const ids of approvals.changes(stop.signal)) changed.push(...ids);
  })();
  clock.step(24 * hour);
  clock.pass(30_000);
  await vi.waitFor(() => expect(told).toContain(`overdue ${request.binding.requestId} by erin`));
  await vi.waitFor(() => expect(changed).toContain(request.binding.requestId));
  stop.abort();
  await watching;
});

test("a vote that could not be recorded breaks nothing, and leaves no review behind", async () => {
  const { open, broken, reviews, log, state, vote } = await opened();
  const request = await open({ approval });
  let appends = 0;
  log.before = async () => {
    if (++appends === 2) throw new Error("disk full");
  };
  await expect(broken(request)).rejects.toMatchObject({ code: "audit_unavailable" });
  expect(await state(request)).toBe("pending");
  expect(await reviews.list(false)).toEqual([]);
  expect(log.records.at(-1)).toMatchObject({ type: "review", detail: { change: "void" } });
  await vote(request, as("alice"));
  expect(await broken(request)).toMatchObject({ state: "approved" });
  expect(await reviews.list(true)).toHaveLength(1);
});

test("a review whose vote a crash kept from being stored is void at the next start", async () => {
  const { open, broken, log, folder, clock, close } = await opened();
  const request = await open({ approval });
  let appends = 0;
  // Neither the vote nor the end of its review can be recorded: as when the process dies in between.
  log.before = async () => {
    if (++appends >= 2) throw new Error("gone");
  };
  await expect(broken(request)).rejects.toMatchObject({ code: "audit_unavailable" });
  await close();
  log.before = async () => {};
  const again = await opened(folder, clock, log);
  expect(await again.reviews.list(false)).toEqual([]);
  expect(await again.state(request)).toBe("pending");
});
