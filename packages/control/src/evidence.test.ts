import { join } from "node:path";
import { canonicalDigest, type Evidence } from "@countersign/policy";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { alice, bob, openPlane } from "../fixtures/plane.ts";

type Plane = Awaited<ReturnType<typeof openPlane>>;

const evidence: Evidence = {
  kind: "effect",
  timeMs: 7,
  affectedRows: 1,
  sample: [{ columns: ["name"], before: ["a-secret-name"], after: [null] }],
  notes: [],
};

async function seen(plane: Plane, id: string) {
  return plane.evidence.of((await plane.approvals.get(id)).request);
}

/** Closes the control plane, edits its database as someone who has only the file would, and opens it again. */
async function edited(plane: Plane, sql: string, ...parameters: unknown[]): Promise<Plane> {
  await plane.close();
  const db = new Database(join(plane.folder, "control.db"));
  expect(db.prepare(sql).run(...parameters).changes).toBeGreaterThan(0);
  db.close();
  return openPlane(plane.folder, plane.clock, plane.log);
}

test("it is recorded before it is gathered and when it comes; values only in the payload, and no digest that tells them", async () => {
  const plane = await openPlane();
  const { requestId: id } = (await plane.open()).binding;
  expect(await plane.evidence.begin(id, "effect")).toBe(true);
  await plane.evidence.attach(id, evidence);
  const records = plane.log.records.filter(({ type }) => type === "evidence");
  expect(records).toMatchObject([
    { request: id, detail: { what: "gathering", kind: "effect", role: "writer" } },
    { request: id, detail: { what: "found", kind: "effect", failed: false, digest: expect.stringMatching(/^sha256:/) } },
  ]);
  expect(JSON.stringify(records.map(({ payload: _, ...rest }) => rest))).not.toContain("a-secret-name");
  const payload = JSON.parse(Buffer.from(records[1]?.payload ?? []).toString());
  expect(payload.evidence).toEqual(evidence);
  const digest = canonicalDigest("countersign/evidence/v1", payload);
  expect(records[1]?.detail).toMatchObject({ digest });
  // Whoever guesses the values cannot check the guess against the record.
  expect(canonicalDigest("countersign/evidence/v1", { ...payload, nonce: "" })).not.toBe(digest);
  expect(await seen(plane, id)).toEqual(evidence);
});

test("those who watch are told when it comes", async () => {
  const plane = await openPlane();
  const { requestId: id } = (await plane.open()).binding;
  const stop = new AbortController();
  const changes = plane.approvals.changes(stop.signal)[Symbol.asyncIterator]();
  await changes.next();
  const next = changes.next();
  await plane.evidence.attach(id, evidence);
  expect(await next).toMatchObject({ value: new Set([id]) });
  stop.abort();
});

test("until then it is still being found out, which is a failure and not nothing", async () => {
  const plane = await openPlane();
  const { requestId: id } = (await plane.open()).binding;
  expect((await seen(plane, id))?.failure).toMatch(/still being found out/);
  const unasked = await plane.open({ approval: { evidence: "none" } });
  expect(await seen(plane, unasked.binding.requestId)).toBeUndefined();
  expect(await plane.evidence.begin(unasked.binding.requestId, "effect")).toBe(false);
  await plane.evidence.attach(unasked.binding.requestId, evidence);
  expect(await seen(plane, unasked.binding.requestId)).toBeUndefined();
  expect(await plane.evidence.begin(unasked.binding.requestId, "locks")).toBe(true);
  const locks = ["AccessExclusiveLock on public.orders"];
  await plane.evidence.attach(unasked.binding.requestId, { kind: "locks", timeMs: 1, locks, notes: [] });
  expect(await seen(plane, unasked.binding.requestId)).toMatchObject({ locks });
});

test("what people have seen stays, and nothing comes after the end", async () => {
  const plane = await openPlane();
  const first = await plane.open();
  const { requestId: id } = first.binding;
  await plane.evidence.attach(id, evidence);
  await plane.evidence.attach(id, { ...evidence, affectedRows: 0 });
  expect(await plane.evidence.begin(id, "effect")).toBe(false);
  expect((await seen(plane, id))?.affectedRows).toBe(1);
  const second = await plane.open();
  await plane.vote(second, alice, "deny");
  expect(await plane.evidence.begin(second.binding.requestId, "plan")).toBe(false);
  await plane.evidence.attach(second.binding.requestId, evidence);
  expect(await seen(plane, second.binding.requestId)).toBeUndefined();
});

test("what cannot be recorded is neither gathered nor shown", async () => {
  const plane = await openPlane();
  const { requestId: id } = (await plane.open()).binding;
  plane.log.failing = true;
  await expect(plane.evidence.begin(id, "effect")).rejects.toMatchObject({ code: "audit_unavailable" });
  await expect(plane.evidence.attach(id, evidence)).rejects.toMatchObject({ code: "audit_unavailable" });
  plane.log.failing = false;
  expect((await seen(plane, id))?.failure).toMatch(/still/);
});

test("too much of it is refused, and an unknown request has none", async () => {
  const plane = await openPlane();
  const { requestId: id } = (await plane.open()).binding;
  await expect(async () => plane.evidence.attach(id, { ...evidence, plan: "x".repeat(600_000) })).rejects.toMatchObject({
    code: "invalid_request",
  });
  await expect(plane.evidence.begin("req_none", "plan")).rejects.toMatchObject({ code: "not_found" });
});

test("it stays across a restart, and a changed or moved one is not shown", async () => {
  const plane = await openPlane();
  const [one, other] = [(await plane.open()).binding.requestId, (await plane.open()).binding.requestId];
  await plane.evidence.attach(one, evidence);
  await plane.evidence.attach(other, { ...evidence, affectedRows: 0 });
  const moved = await edited(
    plane,
    "update evidence set body = (select body from evidence where request_id = ?) where request_id = ?",
    other,
    one,
  );
  await expect(seen(moved, one)).rejects.toMatchObject({
    code: "internal",
    message: expect.stringContaining("changed from outside"),
  });
  expect((await seen(moved, other))?.affectedRows).toBe(0);
});

test("earlier decisions: the five newest that people made, with who asked and who voted", async () => {
  const plane = await openPlane();
  const asked = [];
  for (let n = 0; n < 7; n++) {
    const one = await plane.open({ fingerprint: "f", subject: `agent-${n}` });
    await plane.vote(one, n % 2 === 0 ? alice : bob, n % 2 === 0 ? "deny" : "approve");
    if (n % 2 === 1) await plane.requests.settle(one.binding.requestId, settled("cancelled"));
    asked.push(one);
    plane.clock.pass(10);
  }
  await plane.requests.settle((await plane.open({ fingerprint: "f", allow: true })).binding.requestId, settled("cancelled"));
  await plane.open({ fingerprint: "other" });
  const now = (await plane.approvals.get((await plane.open({ fingerprint: "f" })).binding.requestId)).request;
  const past = await plane.past.before(now);
  expect(past.map(({ id }) => id)).toEqual(
    asked
      .slice(2)
      .toReversed()
      .map(({ binding }) => binding.requestId),
  );
  expect(past[0]).toMatchObject({
    state: "denied",
    subject: "agent-6",
    votes: [{ approver: { subject: "alice" }, verdict: "deny" }],
  });
  expect(past[1]).toMatchObject({
    state: "cancelled",
    subject: "agent-5",
    votes: [{ approver: { subject: "bob" }, verdict: "approve" }],
  });
  // Seen from an earlier one, later ones have not happened.
  const earlier = (await plane.approvals.get(asked[1]?.binding.requestId ?? "")).request;
  expect((await plane.past.before(earlier)).map(({ id }) => id)).toEqual([asked[0]?.binding.requestId]);
});

test("earlier decisions are found behind many that nobody was asked about", async () => {
  const plane = await openPlane();
  const denied = [];
  for (let n = 0; n < 2; n++) {
    const one = await plane.open({ fingerprint: "f" });
    await plane.vote(one, alice, "deny");
    denied.push(one.binding.requestId);
    plane.clock.pass(10);
    for (let allowed = 0; allowed < 9; allowed++) {
      const free = await plane.open({ fingerprint: "f", allow: true });
      await plane.requests.settle(free.binding.requestId, settled("cancelled"));
    }
    plane.clock.pass(10);
  }
  const now = (await plane.approvals.get((await plane.open({ fingerprint: "f" })).binding.requestId)).request;
  expect((await plane.past.before(now)).map(({ id }) => id)).toEqual(denied.toReversed());
});

test("somebody with the database cannot make a yes to something else, or a no, look like a yes to this", async () => {
  const plane = await openPlane();
  const other = await plane.open({ fingerprint: "harmless" });
  await plane.vote(other, alice);
  await plane.requests.settle(other.binding.requestId, settled("cancelled"));
  const denied = await plane.open({ fingerprint: "f" });
  await plane.vote(denied, alice, "deny");
  plane.clock.pass(1000);
  const held = await plane.open({ fingerprint: "f" });
  const again = await edited(
    plane,
    "update requests set likeness = (select likeness from requests where id = ?), state = 'succeeded' where id <> ?",
    held.binding.requestId,
    held.binding.requestId,
  );
  const past = await again.past.before((await again.approvals.get(held.binding.requestId)).request);
  expect(past).toMatchObject([{ id: denied.binding.requestId, state: "denied" }]);
  const forged = await edited(again, "update votes set ballot = replace(ballot, '\"deny\"', '\"approve\"')");
  const [one] = await forged.past.before((await forged.approvals.get(held.binding.requestId)).request);
  expect(one).toMatchObject({ id: denied.binding.requestId, state: "denied", votes: [] });
});

function settled(state: "cancelled") {
  const failure = { code: "cancelled", message: "", retryable: false } as const;
  return { outcome: { state, failure, rows: 0, bytes: 0, durationMs: 0 }, by: "agent", resultEvents: 0 };
}
