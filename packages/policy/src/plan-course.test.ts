import { expect, test } from "vitest";
import type { Outcome } from "./outcome.ts";
import { beganLine, endedLine, lineRefusal, lineState, type PlanCourse, stoppedPlan } from "./plan-course.ts";
import type { RequestSnapshot } from "./request-book.ts";

type Planned = Parameters<typeof lineRefusal>[0];

const line = { effect: "allow", rules: ["r"], role: "writer", limits: {} } as const;
const decision = { ...line, policyDigest: "sha256:p", lines: [line, line, line, line] } as const;
const struck = (...lines: number[]) => [{ verdict: "approve", struck: lines }] as unknown as RequestSnapshot["votes"];
const plan = (more: Partial<Planned> = {}): Planned => ({ decision, votes: struck(1), state: "approved", ...more });
const outcome = (state: Outcome["state"], more: Partial<Outcome> = {}): Outcome => ({
  state,
  rows: 1,
  bytes: 2,
  durationMs: 3,
  ...more,
});
const begun = (...states: PlanCourse["begun"][number]["state"][]): PlanCourse => ({
  begun: states.map((state, index) => ({
    line: [0, 2, 3][index] ?? -1,
    state,
    ...(state !== "executing" && { outcome: outcome(state) }),
  })),
});
const code = (of: Planned, index: number) => lineRefusal(of, index)?.code;

test("only the next line that is left may begin", () => {
  expect([0, 1, 2, 3, 4, -1, 0.5].map((index) => code(plan(), index))).toEqual([
    ...[undefined, "denied", "out_of_order", "out_of_order"],
    ...["invalid_request", "invalid_request", "invalid_request"],
  ]);
  const one = plan({ state: "executing", course: begun("succeeded") });
  expect([0, 1, 2, 3].map((index) => code(one, index))).toEqual(["not_pending", "denied", undefined, "out_of_order"]);
});

test.each(["executing", "failed", "unknown"] as const)("after a line that is %s none begins", (state) => {
  const stuck = plan({ state: "executing", course: begun("succeeded", state) });
  expect([0, 2, 3].map((index) => code(stuck, index))).toEqual(["not_pending", "not_pending", "out_of_order"]);
});

test("a plan that was stopped while a line was at work begins no other, and ends with that one", () => {
  const course = { ...begun("executing"), stopped: { code: "revoked", message: "Revoked by bob." } } as const;
  const stopped = plan({ state: "executing", course });
  expect(code(stopped, 2)).toBe("revoked");
  expect(endedLine(stopped, outcome("succeeded")).outcome).toMatchObject({
    ...{ state: "failed", plan: { ran: [0], struck: [1], notReached: [2, 3] } },
    failure: { code: "revoked", message: "Revoked by bob. Lines 3, 4 were not reached.", retryable: false },
  });
});

test("it ends with its last line, and sums up what its lines did", () => {
  const all = plan({ state: "executing", course: begun("succeeded", "succeeded", "executing") });
  expect(endedLine(all, outcome("succeeded", { rowsAffected: 5 })).outcome).toEqual({
    ...{ state: "succeeded", rows: 3, bytes: 6, durationMs: 9, rowsAffected: 5 },
    plan: { ran: [0, 2, 3], struck: [1], notReached: [] },
  });
  const half = plan({ state: "executing", course: begun("succeeded", "executing") });
  expect(endedLine(half, outcome("succeeded")).outcome).toBeUndefined();
});

test.each(["failed", "unknown"] as const)("it ends as its line does that is %s, and is not to be repeated", (state) => {
  const failure = { code: "target_lost", message: "Gone.", retryable: true } as const;
  const { outcome: end } = endedLine(plan({ state: "executing", course: begun("executing") }), outcome(state, { failure }));
  expect(end).toMatchObject({ state, failure: { code: "target_lost", retryable: false }, plan: { notReached: [2, 3] } });
});

test("what was not sent is a failure of its line", () => {
  const { course } = endedLine(plan({ state: "executing", course: begun("executing") }), outcome("cancelled"));
  expect(course.begun).toMatchObject([{ line: 0, state: "failed" }]);
});

test("a doubt that is cleared up ends the plan: it does not go on by itself", () => {
  const doubt = plan({ state: "unknown", course: begun("succeeded", "unknown") });
  expect(endedLine(doubt, outcome("succeeded")).outcome).toMatchObject({
    state: "failed",
    plan: { ran: [0, 2], notReached: [3] },
  });
  const last = plan({ state: "unknown", course: begun("succeeded", "succeeded", "unknown") });
  expect(endedLine(last, outcome("succeeded")).outcome?.state).toBe("succeeded");
});

test("people see where each line stands", () => {
  const states = (of: Planned) => [0, 1, 2, 3].map((index) => lineState(of, index));
  expect(states(plan({ state: "pending", votes: [] }))).toEqual(["pending", "pending", "pending", "pending"]);
  expect(states(plan())).toEqual(["approved", "cancelled", "approved", "approved"]);
  const under = plan({ state: "executing", course: beganLine(plan(), 0) });
  expect(states(under)).toEqual(["executing", "cancelled", "approved", "approved"]);
  expect(states({ ...plan({ course: begun("succeeded") }), state: "failed" })).toEqual([
    "succeeded",
    "cancelled",
    "cancelled",
    "cancelled",
  ]);
  expect(stoppedPlan(under, { code: "expired", message: "Late." }).failure?.message).toBe("Late. Lines 3, 4 were not reached.");
});
