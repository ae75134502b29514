import type { RequestSnapshot } from "@countersign/policy";
import { expect, test, vi } from "vitest";
import { alice, bob, openPlane } from "../fixtures/plane.ts";

type Plane = Awaited<ReturnType<typeof openPlane>>;

const agent = { type: "principal", issuer: "countersign-development", subject: "agent" } as const;
const locked = { type: "approver", subject: "alice" } as const;

async function several(plane: Plane, count: number): Promise<readonly RequestSnapshot[]> {
  const opened = await Promise.all(Array.from({ length: count }, () => plane.open()));
  await Promise.all(opened.filter((_, index) => index % 2 === 1).map((one) => plane.vote(one)));
  return opened;
}

async function counted(plane: Plane, requests: readonly RequestSnapshot[]): Promise<Record<string, number>> {
  const states = await Promise.all(requests.map((one) => plane.state(one)));
  return Object.fromEntries([...new Set(states)].sort().map((state) => [state, states.filter((one) => one === state).length]));
}

/** Lets no record of an ending through until it is called. */
function holdEndings(plane: Plane): () => void {
  const gate = Promise.withResolvers<void>();
  let isLocked = false;
  plane.revocations.onRevoked(() => {
    isLocked = true;
  });
  plane.log.before = () => (isLocked ? gate.promise : Promise.resolve());
  return gate.resolve;
}

test("ap-revoke: a lock returns at once however much waits; none of it can be claimed, and it ends bit by bit", async () => {
  const plane = await openPlane();
  const requests = await several(plane, 100);
  const release = holdEndings(plane);
  await plane.revoking.lock(agent, bob, "it went mad");
  expect(await counted(plane, requests)).toEqual({ approved: 50, pending: 50 });
  // A claim of one that is being ended waits for that.
  const claims = Promise.allSettled(requests.map((one) => plane.claim(one)));
  release();
  const refused = (await claims).map((one) => one.status === "rejected" && one.reason.code);
  expect(refused.filter((code) => code !== "revoked" && code !== "not_pending" && code !== "cancelled")).toEqual([]);
  await vi.waitFor(async () => expect(await counted(plane, requests)).toEqual({ cancelled: 50, revoked: 50 }), {
    timeout: 15_000,
  });
});

test("ap-revoke: a lock is not lifted while something that waited by it could come alive again", async () => {
  const plane = await openPlane();
  const requests = await several(plane, 40);
  const release = holdEndings(plane);
  const lock = await plane.revoking.lock(agent, bob, "it went mad");
  let isLifted = false;
  const lifting = plane.revoking.lift(lock.id, alice, "mended").then(() => {
    isLifted = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isLifted).toBe(false);
  release();
  await lifting;
  expect(await counted(plane, requests)).toEqual({ cancelled: 20, revoked: 20 });
});

test("ap-revoke: what a crash left over ends with the next start, before the lock can be lifted", async () => {
  const plane = await openPlane();
  const requests = await several(plane, 40);
  plane.revocations.onRevoked(() => {
    plane.log.failing = true;
  });
  const lock = await plane.revoking.lock(agent, bob, "it went mad");
  await expect(plane.revoking.lift(lock.id, alice, "mended")).rejects.toMatchObject({ code: "audit_unavailable" });
  await plane.close();
  expect(plane.log.summary().filter((one) => /-> (cancelled|revoked)/.test(one))).toEqual([]);

  plane.log.failing = false;
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  for (const one of requests.slice(0, 4))
    await expect(again.claim(one)).rejects.toMatchObject({ code: /revoked|cancelled|not_pending/ });
  await again.revoking.lift(lock.id, alice, "mended");
  expect(await counted(again, requests)).toEqual({ cancelled: 20, revoked: 20 });
});

test("what cannot be ended now is tried again", async () => {
  const plane = await openPlane();
  const requests = await several(plane, 4);
  plane.revocations.onRevoked(() => {
    plane.log.failing = true;
  });
  const timers = plane.clock.timers;
  await plane.revoking.lock(agent, bob, "it went mad");
  await vi.waitFor(() => expect(plane.clock.timers).toBeGreaterThan(timers));
  plane.log.failing = false;
  await vi.waitFor(async () => {
    plane.clock.pass(1_000);
    expect(await counted(plane, requests)).toEqual({ cancelled: 2, revoked: 2 });
  });
});

test("ap-revoke: a claim that was under way when an approver was locked is told to stop before the lock returns", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request);
  const told: string[] = [];
  plane.revocations.onRevoked((revocation) => {
    told.push(revocation.type);
  });
  const disk = Promise.withResolvers<void>();
  plane.log.before = () => disk.promise;
  const claiming = plane.claim(request).then(() => told.push("claimed"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  plane.log.before = async () => {};
  const locking = plane.revoking.lock(locked, bob, "stolen laptop").then(() => told.push("returned"));
  await vi.waitFor(() => expect(told).toEqual(["approver"]));
  disk.resolve();
  await Promise.all([claiming, locking]);
  expect(told.filter((one) => one !== "claimed")).toEqual(["approver", "request", "returned"]);
});

test("ap-revoke: what was being opened when its caller was locked ends too", async () => {
  const plane = await openPlane();
  const disk = Promise.withResolvers<void>();
  plane.log.before = () => disk.promise;
  const opening = plane.open();
  await new Promise((resolve) => setTimeout(resolve, 20));
  plane.log.before = async () => {};
  const locking = plane.revoking.lock(agent, bob, "it went mad");
  await vi.waitFor(() => expect(plane.revoking.locks()).toHaveLength(1));
  disk.resolve();
  const [request] = await Promise.all([opening, locking]);
  await vi.waitFor(async () => expect(await plane.state(request)).toBe("cancelled"));
});
