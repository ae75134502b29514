import type { Principal } from "@countersign/policy";
import { expect, test } from "vitest";
import { CallerLimits } from "./caller-limits.ts";

const of = (subject: string, issuer = "unix"): Principal => ({ issuer, subject, groups: [], claims: {} });
const agent = of("agent");

function limited(requestsPerMinute?: number, pendingPerPrincipal = 3) {
  const clock = { ms: 1_000_000 };
  return { clock, limits: new CallerLimits({ pendingPerPrincipal, requestsPerMinute }, () => clock.ms) };
}

/** How many of so many calls get through. */
function through(limits: CallerLimits, calls: number, principal = agent): number {
  return Array.from({ length: calls }, () => limits.refusal(principal)).filter((one) => one === undefined).length;
}

test("ld-flood: a caller asks as much in a minute as it may, at once or evenly, and no more", () => {
  const { limits, clock } = limited(60);
  expect(through(limits, 100)).toBe(60);
  expect(limits.refusal(agent)).toBe("agent may ask 60 times in a minute; wait a little.");
  clock.ms += 999;
  expect(through(limits, 10)).toBe(0);
  clock.ms += 1;
  expect(through(limits, 10)).toBe(1);
  clock.ms += 10_000;
  expect(through(limits, 100)).toBe(10);
  clock.ms += 3_600_000;
  expect(through(limits, 100)).toBe(60);
});

test("ld-flood: another caller is not held up, and neither is the same name of another issuer", () => {
  const { limits } = limited(5);
  expect(through(limits, 100)).toBe(5);
  expect(through(limits, 100, of("other"))).toBe(5);
  expect(through(limits, 100, of("agent", "https://idp"))).toBe(5);
});

test("without the setting nobody is counted", () => {
  expect(through(limited().limits, 10_000)).toBe(10_000);
});

test("ld-flood: requests that are opened together do not get past the limit together", async () => {
  const { limits } = limited(undefined, 3);
  let open = 0;
  const one = () =>
    limits.opening(agent, open, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      open += 1;
      return open;
    });
  const results = await Promise.all(Array.from({ length: 50 }, one));
  expect(results.filter((result) => "opened" in result)).toHaveLength(3);
  expect(await one()).toEqual({ refusal: "agent has 3 requests waiting already; wait for some to end, or cancel them." });
  open = 2;
  expect(await one()).toEqual({ opened: 3 });
  // One that could not be opened takes no room.
  open = 2;
  await expect(limits.opening(agent, open, () => Promise.reject(new Error("no store")))).rejects.toThrow("no store");
  expect(await one()).toEqual({ opened: 3 });
});

test("ld-flood: what is refused is recorded once a minute, with how many they were", () => {
  const { limits, clock } = limited(1);
  const recorded = (calls: number) => Array.from({ length: calls }, () => limits.refused(agent)).filter((count) => count > 0);
  expect(recorded(1000)).toEqual([1]);
  clock.ms += 60_000;
  expect(recorded(1000)).toEqual([1000]);
  expect(limits.refused(of("other"))).toBe(1);
});

test("ld-flood: a hundred thousand names cost no more than ten thousand", () => {
  const { limits } = limited(1);
  for (let index = 0; index < 100_000; index++) limits.refusal(of(`agent-${index}`));
  expect(limits.refusal(of("agent-99999"))).toBeDefined();
  // Long forgotten.
  expect(limits.refusal(of("agent-1"))).toBeUndefined();
});
