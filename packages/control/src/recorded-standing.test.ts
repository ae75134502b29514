import { join } from "node:path";
import type { Approver } from "@countersign/policy";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { granted, use } from "../fixtures/granting.ts";
import { alice, bob, openPlane } from "../fixtures/plane.ts";
import { Approvers } from "./identity.ts";
import { recordedStanding } from "./recorded-standing.ts";

type Plane = Awaited<ReturnType<typeof openPlane>>;

/** Closes the control plane, edits its database as someone who has only the file would, and opens it again. */
async function edited(plane: Plane, ...edits: [sql: string, ...parameters: unknown[]][]): Promise<Plane> {
  await plane.close();
  const db = new Database(join(plane.folder, "control.db"));
  for (const [sql, ...parameters] of edits) expect(db.prepare(sql).run(...parameters).changes).toBeGreaterThan(0);
  db.close();
  return openPlane(plane.folder, plane.clock, plane.log, { directory: people });
}

/** The one standing row as it is now, for whoever would put it back later. */
async function kept(plane: Plane): Promise<{ readonly row: unknown; readonly plane: Plane }> {
  await plane.close();
  const db = new Database(join(plane.folder, "control.db"));
  const row = db.prepare("select * from standing").get();
  db.close();
  return { row, plane: await openPlane(plane.folder, plane.clock, plane.log, { directory: people }) };
}

const insertStanding =
  "insert into standing (id, kind, name, active, revision, created_ms, until_ms, body) values (@id, @kind, @name, @active, @revision, @created_ms, @until_ms, @body)";

const people = new Approvers([
  { name: "alice", groups: ["dba"] },
  { name: "bob", groups: ["dba"] },
  { name: "erin", groups: ["oncall"], accounts: ["erin-admin"] },
]);
const erin: Approver = people.get("erin") ?? alice;

const agent = { type: "principal", issuer: "countersign-development", subject: "agent" } as const;

test("ap-revoke: a lock whose row is deleted, or set back, is in force again at the next start, and that is recorded", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request);
  const lock = await plane.revoking.lock(agent, bob, "it went mad");
  const again = await edited(plane, ["delete from standing where kind = 'lock'"]);
  expect(again.revoking.locks()).toMatchObject([{ id: lock.id, target: agent, by: "bob", createdMs: lock.createdMs }]);
  expect(
    again.log.records.find(({ type, detail }) => type === "lock" && (detail as { change: string }).change === "restored"),
  ).toMatchObject({
    detail: { lock: lock.id, target: agent, by: { subject: "control" } },
  });
  await expect(again.open()).rejects.toMatchObject({ code: "revoked" });
  await expect(again.claim(request)).rejects.toMatchObject({ code: "revoked" });
  const more = await edited(again, ["update standing set active = 0 where kind = 'lock'"]);
  expect(more.revoking.locks()).toMatchObject([{ id: lock.id }]);
  await expect(more.open()).rejects.toMatchObject({ code: "revoked" });
  await more.revoking.lift(lock.id, bob, "mended");
  await more.close();
  const last = await openPlane(plane.folder, plane.clock, plane.log);
  expect(last.revoking.locks()).toEqual([]);
});

test("ap-revoke: an approver's lock whose row is deleted does not give the vote back", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.revoking.lock({ type: "approver", subject: "alice" }, bob, "stolen laptop");
  const again = await edited(plane, ["delete from standing"]);
  await expect(again.vote(request, alice)).rejects.toMatchObject({ code: "approver_locked" });
});

test("a lifted lock whose row is put back is in force until it is lifted once more", async () => {
  const plane = await openPlane();
  const lock = await plane.revoking.lock(agent, bob, "it went mad");
  const { row, plane: open } = await kept(plane);
  await open.revoking.lift(lock.id, bob, "mended");
  const again = await edited(open, ["delete from standing"], [insertStanding, row]);
  await expect(again.open()).rejects.toMatchObject({ code: "revoked" });
  await again.revoking.lift(lock.id, bob, "mended again");
  expect(await again.open()).toMatchObject({ state: "pending" });
});

test("ap-revoke: a revoked grant whose row is deleted or put back gives no use", async () => {
  const plane = await openPlane();
  const { request, id } = await granted(plane);
  const { row, plane: open } = await kept(plane);
  await open.grants.revoke(id, bob, "enough");
  const gone = await edited(open, ["delete from standing"]);
  await expect(use(gone, id, request)).rejects.toMatchObject({ code: "not_found" });
  const back = await edited(gone, [insertStanding, row]);
  await expect(use(back, id, request)).rejects.toMatchObject({ code: "revoked" });
});

test("ap-glass: the review of an emergency whose row is deleted is due again, for others than who approved alone", async () => {
  const plane = await openPlane(undefined, undefined, undefined, { directory: people });
  const breakGlass = { approvers: ["group:oncall"], reviewWithinMs: 3_600_000 };
  const requirements = [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }], breakGlass }];
  const request = await plane.open({ approval: { requirements } });
  const { binding, requestDigest } = request;
  const attempt = { requestDigest, verdict: "approve", comment: "the site is down", breakGlass: true } as const;
  await plane.approvals.vote(binding.requestId, attempt, erin);
  const due = plane.reviews.dueMs(binding.requestId);
  const again = await edited(plane, ["delete from standing where kind = 'review'"]);
  expect(again.reviews.dueMs(binding.requestId)).toBe(due);
  expect(await again.reviews.list(true)).toMatchObject([{ requestId: binding.requestId, by: [{ subject: "erin" }] }]);
  const admin: Approver = { ...erin, subject: "erin-admin" };
  await expect(again.reviews.close(binding.requestId, admin, "I was right")).rejects.toMatchObject({ code: "not_an_approver" });
  await again.reviews.close(binding.requestId, alice, "it was right");
  const last = await edited(again, ["delete from standing where kind = 'review'"]);
  expect(await last.reviews.list(false)).toEqual([]);
});

test("a review whose vote a crash kept from being stored is void, also when its row is missing", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const { requestId } = request.binding;
  const detail = { change: "opened", by: "erin", brokenBy: ["erin"], dueMs: plane.now() + 1000 };
  plane.log.records.push({ type: "review", timeMs: plane.now(), request: requestId, resource: "orders-db", detail });
  await plane.close();
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  expect(await again.reviews.list(true)).toEqual([]);
  expect(again.log.records.slice(-2)).toMatchObject([{ detail: { change: "restored" } }, { detail: { change: "void" } }]);
});

test("a record that cannot be read stops the start with what to do", async () => {
  const broken = [
    "{}",
    '{"type":"lock","detail":{"lock":7}}',
    '{"type":"lock","time":"x","detail":{"lock":"lock_1","target":{"type":"all"}}}',
  ];
  for (const text of broken) {
    const audit = { standing: async () => [Buffer.from(text)] };
    await expect(recordedStanding(audit), text).rejects.toMatchObject({
      code: "store_damaged",
      message: expect.stringMatching("countersign audit verify"),
    });
  }
});
