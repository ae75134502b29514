import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { oneOf } from "../fixtures/drafts.ts";
import { grant, grantable, granted, terms, use } from "../fixtures/granting.ts";
import { alice, bob, openPlane } from "../fixtures/plane.ts";

/** How many of so many uses at once are given out. */
async function given(uses: readonly Promise<unknown>[]): Promise<number> {
  return (await Promise.allSettled(uses)).filter(({ status }) => status === "fulfilled").length;
}

test("a vote with a grant approves its request and makes a grant of the caller on the resource", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane);
  expect(await plane.state(request)).toBe("approved");
  expect(await plane.grants.find(request.action)).toMatchObject([{ id, used: 0, statement: { uses: 3, role: "writer" } }]);
  expect(await plane.grants.find({ ...request.action, resource: "billing-db" })).toEqual([]);
  const { principal } = request.action;
  expect(await plane.grants.find({ ...request.action, principal: { ...principal, subject: "other" } })).toEqual([]);
  expect(plane.log.summary()).toEqual(["request pending", "vote", "grant", "pending -> approved"]);
});

test("uses are counted and on record before they are given out, and end the grant", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane);
  for (const number of [1, 2, 3]) expect(await use(plane, id, request)).toEqual({ grantId: id, use: number });
  await expect(use(plane, id, request)).rejects.toMatchObject({ code: "revoked" });
  expect(await plane.grants.find(request.action)).toEqual([]);
  const used = plane.log.records.filter(({ detail }) => (detail as { change?: string } | undefined)?.change === "used");
  expect(used).toMatchObject([1, 2, 3].map((number) => ({ request: id, detail: { use: number, of: 3 } })));
  expect(used.map(({ action }) => action)).toEqual(Array(3).fill(request.binding.actionDigest));
});

test("200 uses at once of a grant of 50: exactly 50 are given out, each with its own number", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane, { ...terms, uses: 50 });
  const all = await Promise.allSettled(Array.from({ length: 200 }, () => use(plane, id, request)));
  const numbers = all.flatMap((one) => (one.status === "fulfilled" ? [one.value.use] : []));
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  expect(new Set(all.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : [])))).toEqual(new Set(["revoked"]));
});

test("ap-revoke: uses count on after a restart", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane);
  await use(plane, id, request);
  await plane.close();
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  expect(await again.grants.get(id)).toMatchObject({ used: 1, active: true });
  expect(await given(Array.from({ length: 5 }, () => use(again, id, request)))).toBe(2);
});

test("a grant ends with its time, which begins with the vote that completed it", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane);
  plane.clock.pass(3_599_999);
  expect(await use(plane, id, request)).toMatchObject({ use: 1 });
  plane.clock.pass(1);
  await expect(use(plane, id, request)).rejects.toMatchObject({ code: "revoked" });
  expect(await plane.grants.find(request.action)).toEqual([]);
  expect(plane.grants.isActive(await plane.grants.get(id))).toBe(false);
  plane.clock.step(-3_600_000);
  await expect(use(plane, id, request)).rejects.toMatchObject({ code: "revoked" });
});

describe("a grant wider than the rules permit is refused and recorded, and the vote is not taken", () => {
  test.each([
    ["more uses", { ...terms, uses: 51 }, "grant_too_wide"],
    ["more time", { ...terms, ttlMs: 8 * 3_600_000 + 1 }, "grant_too_wide"],
    ["no uses", { ...terms, uses: 0 }, "invalid_request"],
    ["half a use", { ...terms, uses: 1.5 }, "invalid_request"],
    ["no time", { ...terms, ttlMs: 0 }, "invalid_request"],
    ["no such value", { ...terms, bounds: [{ value: "$2", bound: { type: "any" as const } }] }, "invalid_request"],
    [
      "a range of words",
      { ...terms, bounds: [{ value: "$1", bound: { type: "range" as const, min: "a", max: "z" } }] },
      "invalid_request",
    ],
  ])("%s", async (_, wide, code) => {
    const plane = await openPlane();
    const request = await grantable(plane);
    await expect(grant(plane, request, wide)).rejects.toMatchObject({ code });
    expect(await plane.state(request)).toBe("pending");
    expect(plane.log.summary()).toEqual(["request pending", `vote refused: ${code}`]);
  });

  test("where a rule permits none, where nobody understands it, with a no, and in an emergency", async () => {
    const plane = await openPlane();
    const none = await plane.open();
    await expect(grant(plane, none)).rejects.toMatchObject({ code: "grant_too_wide" });
    const several = await grantable(plane, { statement: "delete from a where id = $1; delete from b" });
    await expect(grant(plane, several)).rejects.toMatchObject({ code: "grant_too_wide" });
    const opaque = await grantable(plane, { statement: "select do_it($1)" });
    await expect(grant(plane, opaque)).rejects.toMatchObject({ code: "grant_too_wide" });
    const one = await grantable(plane);
    const attempt = { requestDigest: one.requestDigest, comment: "x", grant: terms };
    const id = one.binding.requestId;
    await expect(plane.approvals.vote(id, { ...attempt, verdict: "deny" }, alice)).rejects.toMatchObject({
      code: "invalid_request",
    });
    expect(await plane.grants.list({}, 10)).toEqual([]);
  });
});

describe("ap-bind: one approver of two cannot widen what the other signed", () => {
  const two = { requirements: [{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 2 }] }] };
  test.each<[string, typeof terms | undefined, typeof terms | undefined, boolean]>([
    ["both sign the same", terms, terms, true],
    ["the second signs none", terms, undefined, false],
    ["the first signed none", undefined, terms, false],
    ["the second signs more uses", terms, { ...terms, uses: 4 }, false],
    ["the second signs wider values", terms, { ...terms, bounds: [{ value: "$1", bound: { type: "any" } }] }, false],
  ])("%s", async (_, first, second, made) => {
    const plane = await openPlane();
    const request = await grantable(plane, { approval: two });
    const vote = (of: typeof terms | undefined, by: typeof alice) =>
      of ? grant(plane, request, of, by) : plane.vote(request, by);
    await vote(first, alice);
    expect(await plane.grants.list({}, 10)).toEqual([]);
    await vote(second, bob);
    expect(await plane.state(request)).toBe("approved");
    expect(await plane.grants.list({}, 10)).toHaveLength(made ? 1 : 0);
  });

  test("the same bounds in another order are the same grant", async () => {
    const plane = await openPlane();
    const request = await grantable(plane, { approval: two, statement: "delete from orders where id = $1 and a = 1" });
    const bounds = [
      { value: "$1", bound: { type: "one_of" as const, values: ["8", "7", "8"] } },
      { value: "constant 1", bound: { type: "any" as const } },
    ];
    await grant(plane, request, { ...terms, bounds }, alice);
    const turned = [...bounds.slice(1), { value: "$1", bound: { type: "one_of" as const, values: ["7", "8"] } }];
    await grant(plane, request, { ...terms, bounds: turned }, bob);
    expect(await plane.grants.list({}, 10)).toHaveLength(1);
  });
});

describe("ap-revoke", () => {
  test("no use after a revocation has returned, also after a restart; what runs by it is told in the same turn", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    const heard: unknown[] = [];
    plane.revocations.onRevoked((revocation) => heard.push(revocation));
    await use(plane, id, request);
    expect(await plane.grants.revoke(id, bob, "wrong table")).toMatchObject({ active: false, revokedReason: "bob: wrong table" });
    expect(heard).toEqual([{ type: "grant", grantId: id }]);
    await expect(use(plane, id, request)).rejects.toMatchObject({ code: "revoked" });
    await expect(plane.grants.revoke(id, bob, "again")).rejects.toMatchObject({ code: "not_pending" });
    await plane.close();
    const again = await openPlane(plane.folder, plane.clock, plane.log);
    await expect(use(again, id, request)).rejects.toMatchObject({ code: "revoked" });
  });

  test("of uses in flight none is given out once the revocation has returned", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane, { ...terms, uses: 50 });
    let returned = false;
    const late: unknown[] = [];
    const uses = Array.from({ length: 50 }, () => use(plane, id, request).then((one) => returned && late.push(one)));
    const ended = given(uses);
    // Some are given out before.
    await uses[3];
    await plane.grants.revoke(id, bob, "stop");
    returned = true;
    expect(await ended).toBeGreaterThan(3);
    expect(await ended).toBeLessThan(50);
    expect(late).toEqual([]);
  });

  test.each([
    ["caller", { type: "principal", issuer: "countersign-development", subject: "agent" } as const],
    ["resource", { type: "resource", resource: "orders-db" } as const],
    ["approver", { type: "approver", subject: "alice" } as const],
  ])("a lock on the %s takes the grant back for good", async (_, target) => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    const lock = await plane.revoking.lock(target, bob, "stolen");
    await expect(use(plane, id, request)).rejects.toMatchObject({ code: "revoked" });
    await plane.revoking.lift(lock.id, bob, "found");
    await expect(use(plane, id, request)).rejects.toMatchObject({ code: "revoked" });
    expect(await plane.grants.find(request.action)).toEqual([]);
  });

  test("a lock on somebody else leaves it", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    await plane.revoking.lock({ type: "approver", subject: "bob" }, alice, "x");
    await plane.revoking.lock({ type: "resource", resource: "billing-db" }, alice, "x");
    expect(await use(plane, id, request)).toMatchObject({ use: 1 });
    await expect(plane.grants.revoke(id, bob, "x")).rejects.toMatchObject({ code: "approver_locked" });
    await expect(plane.grants.revoke(id, alice, " ")).rejects.toMatchObject({ code: "reason_required" });
    await expect(plane.grants.revoke("grant_x", alice, "x")).rejects.toMatchObject({ code: "not_found" });
  });
});

test("a use is for the grant's own caller and resource", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane);
  const { action } = request;
  const other = { ...request, action: { ...action, principal: { ...action.principal, subject: "other" } } };
  await expect(use(plane, id, other)).rejects.toMatchObject({ code: "revoked" });
  await expect(use(plane, id, { ...request, action: { ...action, resource: "billing-db" } })).rejects.toMatchObject({
    code: "revoked",
  });
});

test("au-fail: what cannot be recorded is not made, used or revoked", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane);
  const next = await grantable(plane);
  plane.log.failing = true;
  await expect(use(plane, id, request)).rejects.toMatchObject({ code: "audit_unavailable" });
  await expect(plane.grants.revoke(id, bob, "x")).rejects.toMatchObject({ code: "audit_unavailable" });
  await expect(grant(plane, next)).rejects.toMatchObject({ code: "audit_unavailable" });
  plane.log.failing = false;
  expect(await plane.grants.list({}, 10)).toHaveLength(1);
  expect(await use(plane, id, request)).toMatchObject({ use: 1 });
});

describe("a row that is put back to what it was", () => {
  /** The grant's row as it is, to be put back later. */
  function rowIn(folder: string) {
    const db = new Database(join(folder, "control.db"));
    const row = db.prepare("select * from standing where kind = 'grant'").get() as { id: string };
    db.close();
    return () => {
      const again = new Database(join(folder, "control.db"));
      const columns = Object.keys(row);
      again.prepare("delete from standing where id = ?").run(row.id);
      again.prepare(`insert into standing (${columns}) values (${columns.map((name) => `@${name}`)})`).run(row);
      again.close();
    };
  }

  test.each(["used up", "revoked"])("brings back nothing of a grant that was %s: the log knows", async (end) => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    await plane.close();
    const putBack = rowIn(plane.folder);
    const after = await openPlane(plane.folder, plane.clock, plane.log);
    if (end === "revoked") await after.grants.revoke(id, bob, "x");
    else for (const _ of [1, 2, 3]) await use(after, id, request);
    await after.close();
    putBack();
    const again = await openPlane(plane.folder, plane.clock, plane.log);
    expect(await again.grants.find(request.action)).toMatchObject([{ id, used: 0 }]);
    await expect(use(again, id, request)).rejects.toMatchObject({ code: "revoked" });
  });

  test("an earlier count is not believed", async () => {
    const plane = await openPlane();
    const { request, id } = await granted(plane);
    await plane.close();
    const putBack = rowIn(plane.folder);
    const after = await openPlane(plane.folder, plane.clock, plane.log);
    for (const _ of [1, 2]) await use(after, id, request);
    await after.close();
    putBack();
    const again = await openPlane(plane.folder, plane.clock, plane.log);
    expect(await given(Array.from({ length: 5 }, () => use(again, id, request)))).toBe(1);
  });
});

test("ap-channel: the requester and its owner make no grant", async () => {
  const plane = await openPlane();
  const request = await grantable(plane, { owner: "alice", approval: { requirements: oneOf("group:dba") } });
  await expect(grant(plane, request, terms, alice)).rejects.toMatchObject({ code: "requester_cannot_vote" });
  expect(await plane.grants.list({}, 10)).toEqual([]);
});
