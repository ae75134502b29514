import { expect, test, vi } from "vitest";
import { alice, carol, openPlane } from "../fixtures/plane.ts";

const minute = 60_000;
type Plane = Awaited<ReturnType<typeof openPlane>>;
const becomes = (plane: Plane, request: Parameters<Plane["state"]>[0], state: string) =>
  vi.waitFor(async () => expect(await plane.state(request)).toBe(state));

test("what nobody approves in time expires, and says so", async () => {
  const plane = await openPlane();
  // Sooner than the timer looks by itself.
  const soon = await plane.open({ approval: { expiresMs: 10_000 } });
  const later = await plane.open({ approval: { expiresMs: 60 * minute } });
  plane.clock.pass(9_999);
  expect(await plane.state(soon)).toBe("pending");
  plane.clock.pass(1);
  await becomes(plane, soon, "expired");
  expect(await plane.state(later)).toBe("pending");
  const { request, history } = await plane.approvals.get(soon.binding.requestId);
  expect(request).toMatchObject({
    changedBy: "clock",
    outcome: { state: "expired", failure: { code: "expired", retryable: false } },
  });
  expect(history.at(-1)).toMatchObject({ state: "expired", by: "clock" });
  expect(plane.log.summary().at(-1)).toBe("pending -> expired");
});

test("an approval that is not used in time expires", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { validForMs: 5 * minute } });
  await plane.vote(request);
  plane.clock.pass(5 * minute);
  await becomes(plane, request, "expired");
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "expired" });
});

test("a timer that is late lets nothing through", async () => {
  const plane = await openPlane();
  const pending = await plane.open({ approval: { expiresMs: minute } });
  const approved = await plane.open({ approval: { validForMs: minute } });
  await plane.vote(approved);
  // The wall clock moves, the timers do not.
  plane.clock.step(minute);
  expect(plane.approvals.refusal((await plane.approvals.get(pending.binding.requestId)).request, alice)).toMatchObject({
    code: "expired",
  });
  await expect(plane.vote(pending, alice)).rejects.toMatchObject({ code: "expired" });
  await expect(plane.claim(approved)).rejects.toMatchObject({ code: "expired" });
  expect(await plane.state(pending)).toBe("expired");
  expect(await plane.state(approved)).toBe("expired");
  expect(plane.log.summary()).toContain("vote refused: expired");
});

test("a clock that is set ahead is noticed within half a minute", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { expiresMs: 60 * minute } });
  plane.clock.step(60 * minute);
  plane.clock.pass(30_000);
  await becomes(plane, request, "expired");
});

test("a clock that is set back neither revives nor stretches", async () => {
  const plane = await openPlane();
  const expired = await plane.open({ approval: { expiresMs: 10 * minute } });
  const waiting = await plane.open({ approval: { expiresMs: 20 * minute } });
  const approved = await plane.open({ approval: { validForMs: 20 * minute } });
  const inTime = await plane.open({ approval: { expiresMs: 20 * minute } });
  await plane.vote(approved);
  plane.clock.pass(10 * minute);
  await becomes(plane, expired, "expired");
  plane.clock.step(-24 * 60 * minute);
  await expect(plane.vote(expired)).rejects.toMatchObject({ code: "expired" });
  expect(await plane.vote(inTime)).toMatchObject({ state: "approved" });
  expect(await plane.state(waiting)).toBe("pending");
  plane.clock.pass(10 * minute);
  await expect(plane.vote(waiting)).rejects.toMatchObject({ code: "expired" });
  await expect(plane.claim(approved)).rejects.toMatchObject({ code: "expired" });
});

test("a clock that was set back while nobody was running ends what was approved or waiting", async () => {
  const first = await openPlane();
  const approved = await first.open();
  await first.vote(approved);
  const pending = await first.open();
  await first.close();
  first.clock.step(-24 * 60 * minute);
  const second = await openPlane(first.folder, first.clock, first.log);
  await expect(second.claim(approved)).rejects.toMatchObject({ code: "expired" });
  await expect(second.vote(pending)).rejects.toMatchObject({ code: "expired" });
});

test("what lapsed while nobody was running is ended at the start", async () => {
  const first = await openPlane();
  const requests = await Promise.all(Array.from({ length: 300 }, () => first.open()));
  await first.close();
  first.clock.pass(24 * 60 * minute);
  const second = await openPlane(first.folder, first.clock, first.log);
  for (const request of requests) expect(await second.state(request)).toBe("expired");
});

test("a thousand waiting requests need one timer, which is gone with the control plane", async () => {
  const plane = await openPlane();
  await Promise.all(Array.from({ length: 1000 }, (_, index) => plane.open({ approval: { expiresMs: (index + 1) * minute } })));
  expect(plane.clock.timers).toBe(1);
  await plane.close();
  expect(plane.clock.timers).toBe(0);
});

test("while the log cannot be written a lapsed request is neither ended nor usable, and is ended once it can", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { validForMs: minute } });
  await plane.vote(request);
  plane.log.failing = true;
  plane.clock.pass(minute);
  await expect(plane.claim(request)).rejects.toMatchObject({ code: "audit_unavailable" });
  expect(await plane.state(request)).toBe("approved");
  plane.log.failing = false;
  await vi.waitFor(async () => {
    plane.clock.pass(1_000);
    expect(await plane.state(request)).toBe("expired");
  });
});

const escalating = [
  {
    rule: "writes",
    stages: [
      {
        approvers: ["group:dba"],
        count: 1,
        escalate: [
          { afterMs: 10 * minute, to: ["group:leads"] },
          { afterMs: 20 * minute, to: ["user:dave"] },
        ],
      },
    ],
  },
];

test("ap-silence: more people are asked when nobody answers, and nothing is approved by it", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { requirements: escalating } });
  const id = request.binding.requestId;
  await expect(plane.vote(request, carol)).rejects.toMatchObject({ code: "stage_not_reached" });
  const seen: unknown[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const event of plane.requests.watch(id, 0, stop.signal)) seen.push(event);
  })();
  plane.clock.pass(10 * minute);
  await vi.waitFor(() => expect(seen.at(-1)).toMatchObject({ type: "escalated", to: ["group:leads"] }));
  plane.clock.pass(10 * minute);
  await vi.waitFor(() => expect(seen.at(-1)).toMatchObject({ type: "escalated", to: ["user:dave"] }));
  expect(await plane.state(request)).toBe("pending");
  expect(plane.log.summary().filter((one) => one.startsWith("escalation"))).toHaveLength(2);
  await plane.vote(request, carol);
  expect(await plane.state(request)).toBe("approved");
  stop.abort();
  await watching;
});

test("who was asked by time is asked once, also across a restart", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { requirements: escalating } });
  plane.clock.pass(10 * minute);
  const events = async (at: typeof plane) => {
    const stop = new AbortController();
    const seen: string[] = [];
    setTimeout(() => stop.abort(), 200);
    for await (const { type } of at.requests.watch(request.binding.requestId, 0, stop.signal)) seen.push(type);
    return seen;
  };
  expect(await events(plane)).toEqual(["pending", "escalated"]);
  await plane.close();
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  expect(await events(again)).toEqual(["pending", "escalated"]);
  again.clock.pass(10 * minute);
  expect(await events(again)).toEqual(["pending", "escalated", "escalated"]);
});

test("two moments that passed while nobody was running are told as one", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { requirements: escalating } });
  await plane.close();
  plane.clock.step(25 * minute);
  const again = await openPlane(plane.folder, plane.clock, plane.log);
  const stop = new AbortController();
  const seen: unknown[] = [];
  setTimeout(() => stop.abort(), 200);
  for await (const event of again.requests.watch(request.binding.requestId, 1, stop.signal)) seen.push(event);
  expect(seen).toMatchObject([{ type: "escalated", to: ["group:leads", "user:dave"] }]);
});
