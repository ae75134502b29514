import { expect, test } from "vitest";
import { decodeDetail } from "../api/decode.ts";
import { type Action, isLegal, isOffered, whyNot } from "./actions.ts";
import { stateWords } from "./request-words.ts";

const detail = (canVote: boolean, more: Record<string, unknown> = {}, state = "PENDING") =>
  decodeDetail({
    request: {
      summary: { id: "req_1", state: `REQUEST_STATE_${state}`, canVote },
      operation: { postgresQuery: { statement: "select 1" } },
      ...more,
    },
  });
const statesWith = (action: Action) =>
  Object.keys(stateWords).filter((state) => isLegal(state as keyof typeof stateWords, action));

test("only a pending request can be decided, only a live one taken back, only an unknown one cleared up", () => {
  for (const action of ["approve", "deny", "grant", "break-glass", "edit"] as const)
    expect(statesWith(action)).toEqual(["pending"]);
  expect(statesWith("revoke")).toEqual(["pending", "approved", "executing"]);
  expect(statesWith("resolve")).toEqual(["unknown"]);
});

test("what was not seen whole cannot be approved in any way, but it can be denied", () => {
  for (const action of ["approve", "grant", "break-glass"] as const) {
    expect(whyNot(action, detail(true), false)).not.toBe("");
    expect(whyNot(action, detail(true), true)).toBe("");
  }
  expect(whyNot("deny", detail(true), false)).toBe("");
});

test("who may not vote is told why", () => {
  const own = { cannotVoteReason: "You asked for it." };
  for (const action of ["approve", "deny", "grant", "edit"] as const) {
    expect(whyNot(action, detail(false, own), true)).toBe("You asked for it.");
    expect(whyNot(action, detail(false), true)).not.toBe("");
  }
});

test("a grant and an emergency are offered only where the rules know of them", () => {
  expect(isOffered("grant", detail(true))).toBe(false);
  expect(isOffered("grant", detail(true, { grants: { maxUses: 1, maxTtlSeconds: 60 } }))).toBe(true);
  expect(isOffered("break-glass", detail(true))).toBe(false);
  expect(isOffered("break-glass", detail(false, { mayBreakGlass: true }))).toBe(true);
  expect(isOffered("break-glass", detail(false, { mayBreakGlass: true }, "APPROVED"))).toBe(false);
  expect(whyNot("break-glass", detail(false, { mayBreakGlass: true, cannotVoteReason: "Not your turn." }), true)).toBe("");
});

test("a plan is not edited as one statement", () => {
  const line = { operation: { postgresQuery: { statement: "select 1" } }, state: "REQUEST_STATE_PENDING" };
  expect(isOffered("edit", detail(true))).toBe(true);
  expect(isOffered("edit", detail(true, { operation: undefined, plan: [line] }))).toBe(false);
});
