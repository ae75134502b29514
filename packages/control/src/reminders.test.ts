import { expect, test, vi } from "vitest";
import { alice, bob, openPlane } from "../fixtures/plane.ts";
import { nextReminder, remindedBy } from "./reminders.ts";
import { summaryMessage } from "./server/messages.ts";

const minute = 60_000;
const reminders = { afterMs: 15 * minute, everyMs: 30 * minute, atMost: 2 };
const two = { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }], expiresMs: 1000 * minute };

async function opened(...[folder, clock, log]: Parameters<typeof openPlane>) {
  const plane = await openPlane(folder, clock, log, { reminders });
  const records = () => plane.log.summary().filter((one) => one === "reminder").length;
  const shown = async (id: string) => summaryMessage((await plane.approvals.get(id)).request, alice, plane.approvals);
  return { ...plane, records, shown };
}

test("the moments", () => {
  const by = (ms: number) => remindedBy(reminders, 1000, 1000 + ms);
  expect([0, 15 * minute - 1, 15 * minute, 45 * minute - 1, 45 * minute, 999 * minute].map(by)).toEqual([0, 0, 1, 1, 2, 2]);
  const next = (ms: number) => nextReminder(reminders, 1000, 1000 + ms);
  expect([0, 15 * minute, 45 * minute].map(next)).toEqual([1000 + 15 * minute, 1000 + 45 * minute, undefined]);
  expect(nextReminder(undefined, 0, 0)).toBeUndefined();
});

test("ap-silence: people are told again of what nobody answers, so many times and no more, and nothing is approved by it", async () => {
  const { open, vote, clock, records, shown, state, approvals, requests } = await opened();
  const request = await open({ approval: two });
  const id = request.binding.requestId;
  const told: string[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const ids of approvals.changes(stop.signal)) told.push(...ids);
  })();
  expect(await shown(id)).toMatchObject({ reminded: undefined });
  for (const [passed, count] of [
    [15, 1],
    [30, 2],
    [30, 2],
    [300, 2],
  ] as const) {
    clock.pass(passed * minute);
    await vi.waitFor(async () => expect((await shown(id)).reminded).toBe(count));
  }
  expect(told).toEqual([id, id]);
  expect(records()).toBe(2);
  expect(await state(request)).toBe("pending");
  // An answer begins the count anew; the caller hears nothing of any of this.
  await vote(request, alice);
  expect(await shown(id)).toMatchObject({ reminded: undefined });
  clock.pass(15 * minute);
  await vi.waitFor(async () => expect((await shown(id)).reminded).toBe(1));
  const events: string[] = [];
  setTimeout(() => stop.abort(), 100);
  for await (const { type } of requests.watch(id, 0, stop.signal)) events.push(type);
  expect(events).toEqual(["pending", "vote"]);
  expect(await vote(request, bob)).toMatchObject({ state: "approved" });
  await watching;
});

test("a restart neither forgets nor repeats; what was missed is told once", async () => {
  const first = await opened();
  const request = await first.open({ approval: two });
  const id = request.binding.requestId;
  first.clock.pass(15 * minute);
  await vi.waitFor(() => expect(first.records()).toBe(1));
  await first.close();
  const second = await opened(first.folder, first.clock, first.log);
  expect(second.records()).toBe(1);
  expect(await second.shown(id)).toMatchObject({ reminded: 1 });
  await second.close();
  first.clock.step(100 * minute);
  const third = await opened(first.folder, first.clock, first.log);
  expect(third.records()).toBe(2);
  expect(await third.shown(id)).toMatchObject({ reminded: 2 });
});

test("without the setting nobody is reminded, and what waited for it does not keep the clock busy", async () => {
  const first = await opened();
  const request = await first.open({ approval: two });
  await first.close();
  first.clock.step(20 * minute);
  const second = await openPlane(first.folder, first.clock, first.log);
  expect(first.records()).toBe(0);
  const { wakeMs } = (await second.approvals.get(request.binding.requestId)).request;
  expect(wakeMs).toBe(request.binding.expiry.pendingUntilMs);
});
