import { expect, test } from "vitest";
import { decodeDetail } from "../api/decode.ts";
import { isLegal, whyNot } from "./actions.ts";
import { stateWords } from "./request-words.ts";

const detail = (canVote: boolean, cannotVoteReason = "") =>
  decodeDetail({
    request: {
      summary: { id: "req_1", state: "REQUEST_STATE_PENDING", canVote },
      operation: { postgresQuery: { statement: "select 1" } },
      cannotVoteReason,
    },
  });

test("only a pending request can be decided", () => {
  const legal = Object.keys(stateWords).filter((state) => isLegal(state as keyof typeof stateWords, "approve"));
  expect(legal).toEqual(["pending"]);
});

test("what was not seen whole cannot be approved, but it can be denied", () => {
  expect(whyNot("approve", detail(true), false)).not.toBe("");
  expect(whyNot("approve", detail(true), true)).toBe("");
  expect(whyNot("deny", detail(true), false)).toBe("");
});

test("who may not vote is told why", () => {
  expect(whyNot("approve", detail(false, "You asked for it."), true)).toBe("You asked for it.");
  expect(whyNot("deny", detail(false), true)).not.toBe("");
});
