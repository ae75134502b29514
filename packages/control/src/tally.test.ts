import { type Ballot, signVote, verifyVote } from "@countersign/policy";
import { expect, test } from "vitest";
import { draft } from "../fixtures/drafts.ts";
import { alice, temporaryFolder } from "../fixtures/plane.ts";
import { openKeys } from "./keys.ts";
import type { RequestOverview } from "./stores/request-store.ts";
import { tally } from "./tally.ts";

const of = draft({ nowMs: 0 });
const request: RequestOverview = {
  ...of,
  ...{
    state: "pending",
    createdMs: 0,
    changedMs: 0,
    changedBy: "agent",
    sequence: 1,
    revision: 1,
    headline: "",
    votes: [],
    escalatedMs: 0,
  },
};
const ballot: Ballot = {
  ...{
    requestId: of.binding.requestId,
    requestDigest: of.requestDigest,
    approver: alice,
    verdict: "approve",
    comment: "",
    timeMs: 0,
  },
};

test("a vote counts when it is over this request and digest, signed with this key", () => {
  const { privateKey, publicKey } = openKeys(temporaryFolder()).vote;
  const verdict = (change: Partial<Ballot>, key = privateKey) =>
    tally(
      request,
      [signVote({ ...ballot, ...change }, key)],
      (vote) => verifyVote(vote, publicKey),
      () => false,
    ).verdict;
  expect(verdict({})).toBe("approved");
  expect(verdict({ requestDigest: `sha256:${"0".repeat(64)}` })).toBe("waiting");
  expect(verdict({ requestId: "req_other" })).toBe("waiting");
  expect(verdict({}, openKeys(temporaryFolder()).vote.privateKey)).toBe("waiting");
  expect(verdict({ verdict: "deny", requestDigest: `sha256:${"0".repeat(64)}` })).toBe("waiting");
});

test("an allowed request has nothing to count", () => {
  const { privateKey, publicKey } = openKeys(temporaryFolder()).vote;
  const { decision } = draft({ nowMs: 0, allow: true });
  expect(
    tally(
      { ...request, decision },
      [signVote(ballot, privateKey)],
      (vote) => verifyVote(vote, publicKey),
      () => false,
    ),
  ).toEqual({
    verdict: "waiting",
    requirements: [],
  });
});
