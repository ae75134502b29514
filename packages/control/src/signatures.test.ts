import { generateKeyPairSync } from "node:crypto";
import { type Ballot, signVote, type Vote } from "@countersign/policy";
import { expect, test } from "vitest";
import { alice, bob } from "../fixtures/plane.ts";
import { Signatures } from "./signatures.ts";

const keys = generateKeyPairSync("ed25519");
const { privateKey } = keys;
const ballot: Ballot = {
  ...{ requestId: "req_1", requestDigest: "sha256:00", approver: alice, verdict: "deny", comment: "no", timeMs: 1 },
};

test.each(["signed here", "found right"])("a vote that was %s is right again; what is changed in anything is not", (how) => {
  const signatures = new Signatures(keys);
  const check = (vote: Vote) => signatures.isRight(vote);
  const vote = how === "signed here" ? signatures.sign(ballot) : signVote(ballot, privateKey);
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
  const signatures = new Signatures(keys);
  const check = (vote: Vote) => signatures.isRight(vote);
  expect([check(vote), check(vote), new Signatures(other).isRight(vote), check(vote)]).toEqual([false, false, true, false]);
});

test("those that are forgotten are checked again", () => {
  const signatures = new Signatures(keys);
  const check = (vote: Vote) => signatures.isRight(vote);
  const votes = Array.from({ length: 1500 }, (_, timeMs) => signVote({ ...ballot, timeMs }, privateKey));
  expect(votes.every(check)).toBe(true);
  expect([votes[0], votes.at(-1)].every((vote) => vote !== undefined && check(vote))).toBe(true);
  const [first] = votes;
  expect(first && check({ ...first, timeMs: 7 })).toBe(false);
});

test("keys that are no pair are refused", () => {
  const other = generateKeyPairSync("ed25519");
  expect(() => new Signatures({ privateKey, publicKey: other.publicKey })).toThrow(/no pair/);
});
