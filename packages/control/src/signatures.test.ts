import { generateKeyPairSync } from "node:crypto";
import { type Ballot, signVote, type Vote } from "@countersign/policy";
import { expect, test } from "vitest";
import { alice, bob } from "../fixtures/plane.ts";
import { signatureCheck } from "./signatures.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const ballot: Ballot = {
  ...{ requestId: "req_1", requestDigest: "sha256:00", approver: alice, verdict: "deny", comment: "no", timeMs: 1 },
};

test("a vote that was found right is right again; what is changed in anything is not", () => {
  const check = signatureCheck(publicKey);
  const vote = signVote(ballot, privateKey);
  expect([check(vote), check(vote)]).toEqual([true, true]);
  const changes: Partial<Vote>[] = [
    { requestId: "req_2" },
    { requestDigest: "sha256:01" },
    { approver: bob },
    { approver: { ...alice, groups: ["dba", "leads"] } },
    { approver: { ...alice, actingFor: [bob] } },
    { verdict: "approve" },
    { comment: "" },
    { breakGlass: true },
    { struck: [0] },
    { timeMs: 2 },
    { signature: { type: "session", value: `${vote.signature.value}=` } },
    { signature: signVote({ ...ballot, comment: "" }, privateKey).signature },
  ];
  for (const change of changes) expect(check({ ...vote, ...change }), JSON.stringify(change)).toBe(false);
  expect(check(vote)).toBe(true);
});

test("one that was found wrong is checked again, and another key's memory is another", () => {
  const other = generateKeyPairSync("ed25519");
  const vote = signVote(ballot, other.privateKey);
  const check = signatureCheck(publicKey);
  expect([check(vote), check(vote), signatureCheck(other.publicKey)(vote), check(vote)]).toEqual([false, false, true, false]);
});

test("those that are forgotten are checked again", () => {
  const check = signatureCheck(publicKey);
  const votes = Array.from({ length: 1500 }, (_, timeMs) => signVote({ ...ballot, timeMs }, privateKey));
  expect(votes.every(check)).toBe(true);
  expect([votes[0], votes.at(-1)].every((vote) => vote !== undefined && check(vote))).toBe(true);
  const [first] = votes;
  expect(first && check({ ...first, timeMs: 7 })).toBe(false);
});
